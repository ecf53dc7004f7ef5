"""Pictures of offers, fetched politely and safely: what a feed says is not to be trusted."""

from __future__ import annotations

from pailitao_spider.offer_pictures.addresses import is_public
from pailitao_spider.offer_pictures.cache import PictureCache, default_folder
from pailitao_spider.offer_pictures.download import FetchLimits, WebPictures
from pailitao_spider.offer_pictures.failures import Failures
from pailitao_spider.offer_pictures.fetcher import OfferPictures, PictureSource
from pailitao_spider.offer_pictures.hosts import TrustedHosts, checked_url
from pailitao_spider.offer_pictures.resolving import CheckedResolver

__all__ = [
    "CheckedResolver",
    "Failures",
    "FetchLimits",
    "OfferPictures",
    "PictureCache",
    "PictureSource",
    "TrustedHosts",
    "WebPictures",
    "checked_url",
    "default_folder",
    "is_public",
]
