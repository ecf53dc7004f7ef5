"""Offers: the record, the reader of a gateway's rows, drift, deduplication."""
