"""Looks at a crawl under way: its stats, keys and open seeds, as one snapshot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.utils.asyncio import run_in_thread
from scrapy.utils.misc import load_object

from pailitao_spider.config.credentials import keys_of
from pailitao_spider.crawl import scrapy_internals
from pailitao_spider.errors import PailitaoError
from pailitao_spider.keys.key import Key
from pailitao_spider.keys.tokens import Token
from pailitao_spider.monitoring.counts import counted
from pailitao_spider.monitoring.sliding_rates import SlidingRates
from pailitao_spider.monitoring.slowest_seed import SlowestSeed
from pailitao_spider.monitoring.snapshot import (
    Counts,
    KeyProgress,
    LastWarning,
    Progress,
    SharedRun,
)
from pailitao_spider.seeds.sources import open_source, unheard

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.crawl.session import Session

__all__ = ["SnapshotTaker", "counted_seeds"]

# A list is read twice up to here: 8 µs a seed.
_MOST_COUNTED = 100_000
_MOST_BYTES = 8 * 2**20


class SnapshotTaker:
    """What is known of an open session. All of it is read where the crawl runs, on its loop."""

    def __init__(self, crawler: Crawler, session: Session) -> None:
        self.last_word: LastWarning | None = None
        self._crawler = crawler
        self._session = session
        self._started = time.monotonic()
        self._settings = {key.name: key for key in keys_of(session.config)}
        self._recent = SlidingRates()
        self._open_seeds = SlowestSeed(session.frontier)
        self._tokens: dict[str, Token] = {}
        self._run: SharedRun | None = None
        self._source_seeds: int | None = None

    # looks that take their time

    async def count_seeds(self) -> None:
        """Reads the source once more, off the loop, to know how many seeds it has."""
        source = self._session.arguments.seeds if self._session.arguments else None
        if source is not None and source != "-":
            self._source_seeds = await run_in_thread(counted_seeds, source)

    async def look(self) -> None:
        """Hears of the tokens, and a worker of its run; what does not answer stays as it was."""
        for key in self._session.pool.keys:
            self._tokens[key.name] = await key.tokens.current()
        if self._session.config.cluster:
            shared_run = load_object("pailitao_spider.cluster.admin.status.shared_run")
            self._run = await shared_run(self._session) or self._run

    # looks that take none

    def note(self) -> None:
        """What the figures of the last seconds are made from; about once a second is enough."""
        now = time.monotonic()
        self._open_seeds.note(scrapy_internals.in_progress(self._crawler.engine), now)
        self._recent.note(now, dict(self._growing(counted(self._crawler.stats))))

    def _growing(self, counts: Counts) -> Iterator[tuple[str, int]]:
        yield "pages", counts.pages
        yield "offers", counts.offers["new"]
        if self._run is not None:
            yield "ended", self._run.ended
        elif not self._session.config.cluster:
            yield "ended", counts.ended
        for key in self._session.pool.keys:
            yield f"key {key.name}", key.seats

    def progress(self) -> Progress:
        now, session, recent = time.monotonic(), self._session, self._recent
        counts = counted(self._crawler.stats)
        so_far = Progress(
            seconds=now - self._started,
            counts=counts,
            open=len(session.frontier),
            keys=tuple(self._key(key) for key in session.pool.keys),
            waited_seconds=session.pool.waited_seconds,
            total=self._source_seeds if self._run is None else self._run.seeds,
            is_worker=session.config.cluster,
            run=self._run,
            pages_per_second=recent.per_second("pages"),
            offers_per_second=recent.per_second("offers"),
            slowest=self._open_seeds.slowest(now),
            last_word=self.last_word,
        )
        return replace(so_far, left_seconds=recent.seconds_for("ended", so_far.left))

    def _key(self, key: Key) -> KeyProgress:
        token, settings = self._tokens.get(key.name), self._settings[key.name]
        out = None if key.is_usable(time.time()) else key.out
        return KeyProgress(
            name=key.name,
            calls=key.seats,
            limit_per_second=key.gate.per_second,
            is_given=settings.rate is not None,
            has_found=key.gate.has_found,
            per_second=self._recent.per_second(f"key {key.name}"),
            today=key.budget.today,
            daily_calls=settings.daily_calls,
            has_price=settings.price is not None,
            out=None if out is None else out.text,
            token_seconds=_until(None if token is None else token.renew_at),
            login_seconds=_until(None if token is None else token.ends_at),
        )


def _until(moment: float | None) -> float | None:
    return None if moment is None else max(moment - time.time(), 0.0)


def counted_seeds(source: str) -> int | None:
    """How many seeds it has; None where it is long, or cannot be read."""
    try:
        if Path(source).is_file() and Path(source).stat().st_size > _MOST_BYTES:
            return None
        count = sum(1 for _ in islice(open_source(source, tell=unheard), _MOST_COUNTED + 1))
    except (PailitaoError, OSError):
        return None
    return count if count <= _MOST_COUNTED else None
