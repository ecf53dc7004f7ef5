"""Readers of the messy values in real answers.

Each takes any JSON value. None means that it says nothing; `FieldError`, and never anything
else, that it says something with no known reading. All run in time linear in the input.
"""

from __future__ import annotations

from pailitao_spider.offers.values import columns
from pailitao_spider.offers.values.links import is_ad_link, link
from pailitao_spider.offers.values.lists import PriceBreak, Steps, category, joined, steps, words
from pailitao_spider.offers.values.marks import flag, offer_id
from pailitao_spider.offers.values.moments import moment
from pailitao_spider.offers.values.numbers import (
    Count,
    count,
    currency,
    fen,
    hours,
    kilograms,
    money,
    money_range,
    rate,
    score,
    whole,
)
from pailitao_spider.offers.values.texts import cleaned, text, title

__all__ = [
    "Count",
    "PriceBreak",
    "Steps",
    "category",
    "cleaned",
    "columns",
    "count",
    "currency",
    "fen",
    "flag",
    "hours",
    "is_ad_link",
    "joined",
    "kilograms",
    "link",
    "moment",
    "money",
    "money_range",
    "offer_id",
    "rate",
    "score",
    "steps",
    "text",
    "title",
    "whole",
    "words",
]
