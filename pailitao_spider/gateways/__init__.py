"""Gateways without I/O: a call in, a form out; bytes in, a page or a refusal out."""
