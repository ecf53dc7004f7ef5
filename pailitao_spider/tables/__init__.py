"""Offers as tables: what each column holds, and the formats that other programs read."""
