"""What a person sees: how a run stands while it runs, a table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals

from pailitao_spider import stat_keys
from pailitao_spider.cli.words import tr
from pailitao_spider.config.feeds import can_go_on, local_feeds
from pailitao_spider.config.setting_table import sql_url_of
from pailitao_spider.crawl.session import session_of
from pailitao_spider.extensions.progress import ProgressDisplay
from pailitao_spider.monitoring.counts import counted
from pailitao_spider.monitoring.text import refusals

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from pailitao_spider.extensions.sql_follower import SqlFollower
    from pailitao_spider.keys.budget import DayUsage
    from pailitao_spider.keys.key import Key
    from pailitao_spider.results.paths import ResultPaths

__all__ = ["Summary", "ends_well"]

_CUT_OFF = "cut off"
_REASONS = {
    "shutdown": "by Ctrl-C or a signal",
    _CUT_OFF: "by a second Ctrl-C or signal; the calls under way were left",
}
_FULL = ("no space", "quota", "too large", "is full")
"""What a message says of a disk that takes no more."""
_HARMED = ("was removed or renamed", "was replaced by", "was cut to")
"""What a message says of a file that somebody else has harmed."""
_SHORT = (
    "{short} {seeds}: {seen} of {of} offers. The gateway says that it has more than it showed: see "
    "coverage in the ledger; -a passes=2 looks twice where pages repeat each other."
)
_IN_VAIN = (
    "{left} seeds were refused or repeated themselves before and are as they were: not asked "
    "again; -a again=1 does."
)
SENTENCES = (_SHORT, _IN_VAIN, *_REASONS.values())
_STATUSES = ("done", "empty", "partial", "failed")


class Summary:
    """Progress in the log or on the terminal, and a table of the run on standard error."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._session = session_of(crawler)
        self._showing: ProgressDisplay | None = None
        self._started = time.monotonic()
        self._ended: float | None = None
        self._is_told = False
        crawler.signals.connect(self._begin, signals.engine_started)
        crawler.signals.connect(self._hide, signals.spider_closed)
        crawler.signals.connect(self._end, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def _begin(self) -> None:
        if self._session.keeps_ledger and self._session.is_open:
            self._showing = ProgressDisplay(self._crawler, self._session)
            self._showing.begin()

    async def _hide(self) -> None:
        self._ended = time.monotonic()  # what the database is waited for is no time of the crawl
        if self._showing is not None:
            await self._showing.end()

    async def _end(self) -> None:
        if not self._session.keeps_ledger:
            return
        if (follower := self._follower()) is not None:
            await follower.settle()  # Ctrl-C has the engine stop while others still end
        await self._session.close()
        if self._session.is_open:
            self._print()

    def tell_rest(self) -> bool:
        """When no loop runs any more: what is not told yet, since no signal of Scrapy's tells of a
        second Ctrl-C. True where nothing was left undone.
        """
        if not (self._session.keeps_ledger and self._session.is_open):
            return True
        is_cut = not self._is_told
        if is_cut:
            if self._showing is not None:
                self._showing.leave()
            self._print(is_cut=True)
        follower = self._follower()
        is_settled = follower is None or follower.is_settled
        is_whole = not self._session.without_end and self._session.stopped is None
        return not is_cut and is_settled and is_whole

    def _print(self, *, is_cut: bool = False) -> None:
        self._is_told = True
        from rich.table import Table

        from pailitao_spider.monitoring.console import ErrorConsole

        table = Table(title="pailitao", show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        values = self._crawler.stats.get_stats()
        for name, text in self._rows(values):
            table.add_row(name, text)
        console = ErrorConsole()
        console.print(table, markup=False)
        for line in self._last_words(values, is_cut=is_cut):
            console.print(line, markup=False, soft_wrap=True)

    def _rows(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        def number(key: str) -> int:
            return int(values.get(key, 0))

        seconds = (self._ended or time.monotonic()) - self._started
        statuses = {each: number(stat_keys.seeds(each)) for each in _STATUSES}
        offers = {
            "new": self._new(number(stat_keys.OFFERS_NEW)),
            "duplicate": number(stat_keys.OFFERS_DUPLICATE),
            "filtered": number(stat_keys.OFFERS_FILTERED),
            "rejected": number(stat_keys.OFFERS_REJECTED),
        }
        pages = {"pages": number(stat_keys.PAGES), "rows": number(stat_keys.ROWS)}
        return [
            (tr("seeds"), tr("{done} done, {empty} empty, {partial} partial, {failed} failed",
                             **statuses)),
            (tr("pages"), tr("{pages} with {rows} rows", **pages)),
            (tr("offers"), tr("{new}, {duplicate} duplicate, {filtered} filtered, "
                              "{rejected} rejected", **offers)),
            (tr("calls"), self._calls(number(stat_keys.CALLS), seconds)),
            *self._key_rows(),
            ("429s", str(number(stat_keys.refused("throttled")))),
            *self._refused_row(),
            (tr("time"), tr("{seconds} s", seconds=f"{seconds:.1f}")),
        ]  # fmt: skip

    def _new(self, let_through: int) -> str:
        """What other pipelines dropped is in no feed."""
        kept = min(self._session.items_kept, let_through)
        if kept == let_through:
            return tr("{kept} new", kept=kept)
        return tr("{kept} new ({dropped} more dropped later)",
                  kept=kept, dropped=let_through - kept)  # fmt: skip

    def _refused_row(self) -> Iterator[tuple[str, str]]:
        refused = counted(self._crawler.stats).refused
        if any(refused.values()):
            yield tr("refused"), refusals(refused)

    def _calls(self, calls: int, seconds: float) -> str:
        config, keys = self._session.config, self._session.pool.keys
        text = f"{calls}, {calls / max(seconds, 0.001):.3g}/s"
        if config.daily_calls is not None and len(keys) == 1:
            text += tr("; {calls} of {most} today",
                       calls=self._today(keys[0]).calls, most=config.daily_calls)  # fmt: skip
        if len(keys) > 1:
            return text + tr("; by {count} keys", count=len(keys))
        return f"{text}{self._pace(keys[0])}"

    def _pace(self, key: Key) -> str:
        rate = self._session.rate_of(key)
        if rate is not None:
            return tr("; quota {rate}/s", rate=f"{rate:g}")
        if not key.gate.has_found:
            return ""
        return tr("; found a quota of about {rate}/s", rate=f"{key.gate.per_second:.3g}")

    def _key_rows(self) -> Iterator[tuple[str, str]]:
        """What was asked of each key, where there are several."""
        keys = self._session.pool.keys
        for key in keys if len(keys) > 1 else ():
            today = self._today(key)
            text = tr("{calls} calls{pace}; {today} today, {billed} billed", calls=key.seats,
                      pace=self._pace(key), today=today.calls, billed=today.billed)  # fmt: skip
            out = "" if key.out is None else tr("; out: {why}", why=key.out.text)
            yield key.name, f"{text}{out}"

    def _today(self, key: Key) -> DayUsage:
        used = self._session.uses.get(key.name)
        return key.budget.today if used is None else used

    def _last_words(self, values: Mapping[str, Any], *, is_cut: bool) -> list[str]:
        lines = []
        paths = self._session.books.paths
        if paths is None:
            lines.append(
                tr("No local file by -O or -o: there is no ledger, nothing to go on with.")
            )
        else:
            lines += [f"{name} {path}" for name, path in _named(paths) if path.exists()]
        if (short := values.get(stat_keys.SEEDS_NOT_SHOWN, 0)) > 0:
            seen, of = values.get(stat_keys.SHORT_SEEN, 0), values.get(stat_keys.SHORT_OF, 0)
            seeds = tr("seed" if short == 1 else "seeds")
            lines.append(tr(_SHORT, short=short, seeds=seeds, seen=seen, of=of))
        for watch in self._session.drift.values():
            lines += [f"drift:    {words}" for words in watch.words()]
        if (follower := self._follower()) is not None:
            lines += follower.last_words()
        if self._session.config.sandbox is not None:
            lines.append(tr("These offers are invented: PAILITAO_SANDBOX is on."))
        if (known := values.get(stat_keys.SEEDS_KNOWN, 0)) > 0:
            lines.append(
                tr("{known} seeds were done before and were not searched again.", known=known)
            )
        if (left := values.get(stat_keys.SEEDS_IN_VAIN, 0)) > 0:
            lines.append(tr(_IN_VAIN, left=left))
        reason = str(values.get("finish_reason", _CUT_OFF))
        if is_cut and reason == "finished" and self._follower() is None:
            reason = _CUT_OFF  # a feed was still being closed
        if reason != "finished":
            lines.append(self._early_end(reason, is_cut=is_cut))
        elif left := self._session.without_end:
            lines.append(
                tr("Seeds without an end: {left}, by an error above; go on with -o, not -O.",
                   left=left)
            )  # fmt: skip
        return lines

    def _follower(self) -> SqlFollower | None:
        if sql_url_of(self._crawler.settings) is None:
            return None
        from pailitao_spider.extensions.sql_follower import SqlFollower

        return self._crawler.get_extension(SqlFollower)

    def _early_end(self, reason: str, *, is_cut: bool) -> str:
        why = self._session.stopped or tr(_REASONS.get(reason, reason))
        stopped = tr("Stopped early: {why}", why=why)
        if self._session.books.paths is None:
            return stopped
        if any(sign in why for sign in _HARMED):
            return f"{stopped}\n{self._mending()}"
        way_on = self._way_on(why, reason, is_cut=is_cut)
        return stopped + "\n" + tr("Nothing is lost: {way_on}.", way_on=way_on)

    def _mending(self) -> str:
        if self._session.config.cluster:
            return (
                "Bring it back before you merge: the run calls its pages done. Without it, end the "
                "run with scrapy pailitao clear and push the seeds again."
            )
        if not can_go_on(local_feeds(self._crawler.settings)):
            return "Bring it back if you can, or start over; .jsonl can be gone on with."
        return (
            "Bring it back if you can. The same command with -o then searches again what is not "
            "in it, and all that follows."
        )

    def _way_on(self, why: str, reason: str, *, is_cut: bool) -> str:
        if is_cut and self._session.config.cluster:
            return "what this worker had in hand is back in the queue when its leases run out"
        left = self._session.what_is_left()
        if reason != "pailitao_disk":
            return left
        is_full = any(sign in why.casefold() for sign in _FULL)
        return f"{'free space on the disk' if is_full else 'mend that'} first; {left}"


def _named(paths: ResultPaths) -> list[tuple[str, Path]]:
    return [
        (tr("offers:  "), paths.feed),
        (tr("seeds:   "), paths.seeds),
        (tr("rejected:"), paths.rejected),
        (tr("matches: "), paths.matches),
    ]


def ends_well(values: Mapping[str, Any]) -> bool:
    """Every seed was searched to its end and found readable, and the database has what it is to
    follow; the exit code follows it.
    """
    bad = values.get(stat_keys.seeds("failed"), 0) + values.get(stat_keys.seeds("partial"), 0)
    bad += values.get(stat_keys.SEEDS_IN_VAIN, 0)
    bad += values.get(stat_keys.SQL_BEHIND, 0) + values.get(stat_keys.SQL_LEFT_OUT, 0)
    unstored = any(key.startswith("feedexport/failed_count") for key in values)
    return values.get("finish_reason") == "finished" and not bad and not unstored
