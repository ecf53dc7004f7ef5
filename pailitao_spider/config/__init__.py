"""Settings, arguments and keys, read once and typed."""
