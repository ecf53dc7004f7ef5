"""Gateways of resellers: a key in the query, one code in the body."""
