"""A gateway of one's own: every dialect over one drawn catalogue, for first runs and tests."""
