"""The connection to Redis: client, checks, names of keys, a server of one's own."""
