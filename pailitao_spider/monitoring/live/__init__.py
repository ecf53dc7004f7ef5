"""The live page: one read-only page of a run under way, for a browser."""
