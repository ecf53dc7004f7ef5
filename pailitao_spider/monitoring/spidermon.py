"""Monitors for Spidermon (extra `monitor`): did the run bring what it was paid for?

    EXTENSIONS = {"spidermon.contrib.scrapy.extensions.Spidermon": 500}
    SPIDERMON_ENABLED = True
    SPIDERMON_ENGINE_STOP_MONITORS = ["pailitao_spider.monitoring.spidermon.PailitaoMonitors"]

They are for the engine's stop, since the last seeds end while the spider closes. Who is told, and
how, is Spidermon's: subclass the suite and name its actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from spidermon import Monitor, MonitorSuite

from pailitao_spider import stat_keys
from pailitao_spider.config.setting_table import Config
from pailitao_spider.crawl.session import session_of

__all__ = [
    "CoverageMonitor",
    "DriftMonitor",
    "PailitaoMonitors",
    "RefusalMonitor",
    "SeedMonitor",
    "SpendMonitor",
]


class _Monitor(Monitor):  # type: ignore[misc]
    longMessage = False

    @property
    def _stats(self) -> Mapping[str, Any]:
        return self.data.stats  # type: ignore[no-any-return]

    def _count(self, key: str) -> float:
        return float(self._stats.get(key, 0))

    def _check(self, is_well: bool, what: str) -> None:
        if not is_well:
            self.fail(what)

    def _limit(self, name: str, default: float | None) -> float | None:
        value = self.data.crawler.settings.get(f"SPIDERMON_PAILITAO_{name}")
        return default if value is None else float(value)


class SeedMonitor(_Monitor):
    """Every seed was searched to its end.

    SPIDERMON_PAILITAO_MAX_FAILED_SEEDS: so many may be failed or partial, 0 by default.
    """

    def test_seeds_that_failed_or_came_in_part(self) -> None:
        bad = self._count(stat_keys.seeds("failed")) + self._count(stat_keys.seeds("partial"))
        most = self._limit("MAX_FAILED_SEEDS", 0)
        assert most is not None
        self._check(bad <= most, f"{bad:.0f} seeds failed or came in part")


class CoverageMonitor(_Monitor):
    """The gateway showed the offers that it says it has.

    SPIDERMON_PAILITAO_MIN_COVERAGE: at least this share of them, 0.9 by default.
    """

    def test_offers_that_were_not_shown(self) -> None:
        missing = self._count(stat_keys.SHORT_OF) - self._count(stat_keys.SHORT_SEEN)
        came = self._count(stat_keys.OFFERS_NEW) + self._count(stat_keys.OFFERS_DUPLICATE)
        least, told = self._limit("MIN_COVERAGE", 0.9), came + missing
        share = came / told if told else 1.0
        assert least is not None
        self._check(share >= least, f"{came:.0f} of {told:.0f} offers were shown")


class RefusalMonitor(_Monitor):
    """The gateway answered.

    SPIDERMON_PAILITAO_MAX_REFUSED: at most this share of all calls, 0.05 by default.
    """

    def test_calls_that_were_refused(self) -> None:
        start = stat_keys.refused("")
        refused = {key: count for key, count in self._stats.items() if key.startswith(start)}
        calls, most = self._count(stat_keys.CALLS), self._limit("MAX_REFUSED", 0.05)
        words = ", ".join(f"{n} {key.removeprefix(start)}" for key, n in sorted(refused.items()))
        assert most is not None
        share = sum(refused.values()) / calls if calls else 0.0
        self._check(share <= most, f"of {calls:.0f} calls were refused: {words}")


class SpendMonitor(_Monitor):
    """The run cost no more than was meant.

    SPIDERMON_PAILITAO_MAX_SPENT: yuan, by PAILITAO_PRICE and the calls that were billed; unset is
    no limit.
    """

    def test_money_that_was_spent(self) -> None:
        price = Config.read(self.data.crawler.settings, needs_key=False).price
        most = self._limit("MAX_SPENT", None)
        if price is None or most is None:
            return
        spent = float(price) * self._count(stat_keys.CALLS_BILLED)
        self._check(spent <= most, f"{spent:.2f} yuan were spent, of {most:.2f}")


class DriftMonitor(_Monitor):
    """Rows look as they are documented.

    SPIDERMON_PAILITAO_MAX_DRIFT: so many signs of another shape, 0 by default.
    """

    def test_rows_that_look_different(self) -> None:
        watches = session_of(self.data.crawler).drift.values()
        words = [line for watch in watches for line in watch.words()]
        most = self._limit("MAX_DRIFT", 0)
        assert most is not None
        self._check(len(words) <= most, "; ".join(words))


class PailitaoMonitors(MonitorSuite):  # type: ignore[misc]
    """All of them."""

    monitors: ClassVar[list[type[Monitor]]] = [
        SeedMonitor,
        CoverageMonitor,
        RefusalMonitor,
        SpendMonitor,
        DriftMonitor,
    ]
