"""A run in Redis as the live page: `status --serve`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from pailitao_spider.cluster.admin.command_context import Desk
from pailitao_spider.cluster.admin.pace import AdaptiveRate
from pailitao_spider.cluster.admin.quota_status import QuotaStatus
from pailitao_spider.cluster.admin.status import RunStatus
from pailitao_spider.cluster.redis.client import RedisUnavailableError
from pailitao_spider.errors import ConfigError
from pailitao_spider.monitoring.live.server import LivePage
from pailitao_spider.monitoring.live.tails import Tails
from pailitao_spider.results.feed_files import is_side_file

__all__ = ["serve"]

_Look = Callable[[], Awaitable[tuple[RunStatus, Mapping[str, QuotaStatus]]]]


async def serve(desk: Desk, host: str, port: int, look: _Look) -> None:
    """Until it is cancelled. Raises ConfigError where the port cannot be had.

    Offers and reasons of failed seeds are read from the workers' files on this machine.
    """
    page = LivePage(_Looks(desk.config.run, look), host)
    app = web.Application()
    page.add_to(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        shown = int(runner.addresses[0][1])
        sys.stderr.write(f"live page on {page.address(host, shown)} (Ctrl-C ends it)\n")
        sys.stderr.flush()
        await asyncio.Event().wait()
    except OSError as error:
        raise ConfigError(
            f"--serve {port}: {host} cannot be listened at ({error.strerror or error})"
        ) from error
    finally:
        await runner.cleanup()


class _Looks:
    """One look for all who watch; while Redis is away the last one stays."""

    def __init__(self, run: str, look: _Look) -> None:
        self._look, self._pace, self._started = look, AdaptiveRate(), time.monotonic()
        self._tails = Tails(lambda: _feeds(run))
        self._last: dict[str, Any] = {}

    async def __call__(self) -> dict[str, Any]:
        written = await asyncio.to_thread(self._tails.look)
        recent = written.pop("offers")
        try:
            seen, paid = await self._look()
            self._pace.note(seen)
            self._last = self._figures(seen, paid)
        except RedisUnavailableError:
            away = {"level": "WARNING", "text": "Redis does not answer", "at": time.time()}
            self._last = {**self._last, "last_word": away}
        return {**_NOTHING, **self._last, **written, "recent": recent}

    def _figures(self, seen: RunStatus, paid: Mapping[str, QuotaStatus]) -> dict[str, Any]:
        return {
            "name": seen.run,
            "seconds": time.monotonic() - self._started,
            "left_seconds": None if seen.is_over else self._pace.left_seconds(seen),
            "total": seen.seeds,
            "through": seen.ended,
            "open": seen.open,
            "seeds": {name: getattr(seen, name) for name in ("done", "empty", "partial", "failed")},
            "offers": {"new": sum(each.offers for each in seen.workers)},
            "offers_per_second": self._pace.per_second("offers"),
            "pages": sum(each.pages for each in seen.workers),
            "pages_per_second": self._pace.per_second("pages"),
            "calls": sum(each.calls for each in seen.workers),
            "keys": [
                {"name": name, "pace": f"{each.per_second:.3g}/s", "calls": each.calls_today,
                 "today": each.calls_today, "daily_calls": each.daily_calls, "out": None}
                for name, each in paid.items()
            ],
            "workers": [
                {"name": each.name, "silent_seconds": each.silent_seconds, "pages": each.pages,
                 "offers": each.offers, "calls": each.calls, "in_hand": each.in_hand}
                for each in seen.workers
            ],
            "last_word": None if not seen.buried else {
                "level": "WARNING", "at": 0,
                "text": f"{seen.buried} pages buried; scrapy pailitao dead tells why"},
        }  # fmt: skip


_NOTHING: dict[str, Any] = {
    "name": None, "seconds": None, "left_seconds": None, "total": None, "through": 0, "open": 0,
    "seeds": {}, "known": 0, "offers": {"new": 0}, "offers_per_second": None, "pages": 0,
    "pages_per_second": None, "calls": 0, "refused": {}, "keys": [], "run": None,
    "slowest": None, "last_word": None, "workers": [],
}  # fmt: skip


def _feeds(run: str) -> list[Path]:
    found = Path("results", run).glob("offers-*.jsonl")
    return sorted(path for path in found if not is_side_file(path))
