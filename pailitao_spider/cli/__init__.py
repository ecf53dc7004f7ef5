"""The command `pailitao`, which works in any folder: `search`, and the verbs."""
