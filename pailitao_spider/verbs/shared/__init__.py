"""Options and steps that several verbs share."""
