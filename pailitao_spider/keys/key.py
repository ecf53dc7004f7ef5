"""One key: who calls, at which gateway, how fast, with which token, out of which budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from pailitao_spider.gateways.calls import Credential, PictureRef, SearchCall
from pailitao_spider.gateways.protocol import ConvertsUrls, Dialect, TakesUploads
from pailitao_spider.keys.breaker import Breaker
from pailitao_spider.keys.budget import Budget
from pailitao_spider.keys.rate_limiter import RateLimiter
from pailitao_spider.keys.tokens import TokenStore
from pailitao_spider.keys.upload_cache import Uploads

__all__ = ["Key", "Out"]


@dataclass(frozen=True, slots=True)
class Out:
    """Why a key makes no calls. `reason` is the run's when no key is left; `until` is the unix
    time from which it may go on, None where a person has to do something.
    """

    reason: str
    text: str
    until: float | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Key:
    """A key and all that belongs to it alone. Keys of one `group` give the same pages."""

    name: str
    group: str
    gateway: str
    """What offers name as their origin."""
    dialect: Dialect
    url: str
    token_url: str | None
    credential: Credential
    """Without a token: `tokens` knows the newest."""
    gate: RateLimiter
    tokens: TokenStore
    budget: Budget
    uploads: Uploads
    out: Out | None = None
    load: int = 0
    """Calls that have chosen this key and not left yet."""
    seats: int = 0
    """Calls that were let go, for who looks on."""
    breaker: Breaker = field(default_factory=Breaker)
    has_answered: bool = False
    """Its gateway has been heard of in this run, if only to refuse."""

    @property
    def uploading(self) -> TakesUploads:
        """The dialect of a key that takes uploads."""
        return cast("TakesUploads", self.dialect)

    def takes(self, call: SearchCall) -> bool:
        """The gateway can be asked this at all."""
        limits = self.dialect.limits
        if call.search_type not in limits.search_types or (call.region and not limits.regions):
            return False
        return limits.picture is not None or self._is_at_hand(call.picture)

    def _is_at_hand(self, picture: PictureRef) -> bool:
        """The gateway fetches it itself."""
        return picture.url is not None and self.dialect.limits.takes_url(picture.url)

    def needs_upload(self, picture: PictureRef) -> bool:
        """The gateway must be given the picture before it can be asked about it."""
        return not self.dialect.limits.inline and not self._is_at_hand(picture)

    def takes_inline(self, picture: PictureRef) -> bool:
        """The picture itself goes into each search."""
        return self.dialect.limits.inline and not self._is_at_hand(picture)

    def conversion(self, picture: PictureRef) -> ConvertsUrls | None:
        """The dialect, where its gateway makes this URL its own."""
        converts = self.dialect.limits.converts and picture.url is not None
        return cast("ConvertsUrls", self.dialect) if converts else None

    def is_usable(self, now: float) -> bool:
        """It may make calls; one that has rested is whole again."""
        if self.out is not None and self.out.until is not None and now >= self.out.until:
            self.out = None
        return self.out is None
