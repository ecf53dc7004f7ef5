"""Offers: the record, the reader of a gateway's rows, drift, deduplication."""

from __future__ import annotations

from pailitao_spider.offers.model import Offer

__all__ = ["Offer"]
