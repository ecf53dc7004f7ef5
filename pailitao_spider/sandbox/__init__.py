"""A gateway of one's own: the router dialect over a drawn catalogue, for first runs and tests."""
