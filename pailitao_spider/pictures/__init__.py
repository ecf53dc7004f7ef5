"""Opening, checking and preparing pictures: what a gateway can be given, and nothing else."""

from __future__ import annotations

from pailitao_spider.pictures.formats import RAW_SUFFIXES, known_format
from pailitao_spider.pictures.limits import MAX_BYTES, MAX_PIXELS, PictureLimits
from pailitao_spider.pictures.preparation import Picture, prepare

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "RAW_SUFFIXES",
    "Picture",
    "PictureLimits",
    "known_format",
    "prepare",
]
