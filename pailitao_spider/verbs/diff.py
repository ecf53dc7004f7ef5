"""`scrapy pailitao diff`: what the newest of several crawls brought."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from heapq import nlargest
from pathlib import Path
from typing import Any, NamedTuple

from pailitao_spider.analysis import output, terminal_table
from pailitao_spider.analysis.diff import FIELDS, Change, Run, changes, ends, percent
from pailitao_spider.analysis.feed_reader import check_feeds
from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "what the newest of several crawls brought: prices, sales, new and vanished offers"

_SHOWN = 50
_HEADS = {"offer": "right", "price %": "right", "what": "left", "title": "left", "seed": "whole"}
_SPARE = ("title", "seed")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "feeds", nargs="*", type=Path, metavar="FEED", help="two or more, the oldest first"
    )
    parser.add_argument(
        "--misses", metavar="K", help="vanished is what the last K runs did not find (2)"
    )
    parser.add_argument(
        "--only", metavar="FIELDS", help=f"of changes only these: {','.join(FIELDS)}"
    )
    for name, what in (("drop", "fell"), ("rise", "rose")):
        parser.add_argument(
            f"--{name}", metavar="P%",
            help=f"of changes only prices that {what} by so much or more, such as 5%%",
        )  # fmt: skip
    parser.add_argument(
        "--fail-on-change", action="store_true",
        help="exit with 3 where anything is new, changed or vanished (with --drop or --rise: where "
        "a price changed so much)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="a JSON object a change, then one")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake, 3 for a change if asked."""
    return output.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = output.typed(
        options, {"misses": parsers.whole(), "only": _only, "drop": _percent, "rise": _percent}
    )
    misses = given.get("misses", 2)
    if len(options.feeds) == 1:
        raise ConfigError("one feed has nothing to differ from; give two or more, the oldest first")
    runs = [Run(path) for path in check_feeds(options.feeds)]
    asked = _Asked(given.get("only", frozenset(FIELDS)), given.get("drop"), given.get("rise"))
    counts: Counter[str] = Counter()
    found = _counted(changes(runs, misses, with_lost=True), asked, counts)
    if options.json:
        for change in found:
            if change.kind != "missed":
                output.json_line(_facts(change))
        output.json_line({"kind": "summary", **_summary(counts, runs, misses)})
    else:
        _show(found, counts, runs, misses)
    code = output.tell_unread(*(each for run in runs for each in (run.feeds.tally, run.beside)))
    kinds = ("changed",) if asked.has_threshold else ("new", "changed", "vanished")
    return 3 if options.fail_on_change and any(counts[kind] for kind in kinds) else code


class _Asked(NamedTuple):
    """Which changes: these fields, prices that fell or rose by at least so many percent."""

    only: frozenset[str]
    drop: Decimal | None
    rise: Decimal | None

    @property
    def has_threshold(self) -> bool:
        return self.drop is not None or self.rise is not None

    def of(self, change: Change) -> Change | None:
        """The change as far as it is asked for."""
        if self.has_threshold and not any(map(self._is_large, change.percents)):
            return None
        fields = {name: pair for name, pair in change.fields.items() if name in self.only}
        lost = {name: was for name, was in change.lost.items() if name in self.only}
        return replace(change, fields=fields, lost=lost) if fields or lost else None

    def _is_large(self, percent: Decimal) -> bool:
        has_fallen = self.drop is not None and percent < 0 and -percent >= self.drop
        return has_fallen or (self.rise is not None and percent > 0 and percent >= self.rise)


def _percent(given: str) -> Decimal:
    return _PERCENT(given.removesuffix("%"))


_PERCENT = output.number("percent such as 5%")


def _only(given: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in given.split(","))
    if not names <= FIELDS.keys():
        raise ValueError(f"some of {','.join(FIELDS)}")
    return names


def _counted(found: Iterator[Change], asked: _Asked, counts: Counter[str]) -> Iterator[Change]:
    for change in found:
        told = asked.of(change) if change.kind == "changed" else change
        if told is None:
            continue
        counts[change.kind] += 1
        counts.update(list(told.fields))
        counts.update(f"lost {name}" for name in told.lost)
        yield told


def _facts(change: Change) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": change.kind,
        "num_iid": change.num_iid,
        "seed_id": change.seed_id,
        "title": change.title,
    }
    if change.kind == "changed":
        size = max(change.percents, key=abs, default=None)
        facts["percent"] = None if size is None else round(size, 2)
        facts["changes"] = {name: _pair(name, *pair) for name, pair in change.fields.items()}
        facts["lost"] = change.lost
    if change.kind == "vanished":
        facts["misses"] = change.misses
    return facts


def _pair(name: str, old: Any, new: Any) -> dict[str, Any]:
    """Numbers stay numbers: of a range `old` is null, and its ends stand beside it."""
    pair: dict[str, Any] = {"old": old, "new": new}
    if name != "price":
        share = percent(old, new) if name in _AMOUNTS else None
        return pair if share is None else {**pair, "percent": round(share, 2)}
    share = percent(old, new)
    told: dict[str, Any] = {}
    for which, value in pair.items():
        low, high = ends(value) or (None, None)
        told |= {which: low if low == high else None, f"{which}_min": low, f"{which}_max": high}
    return {**told, "percent": None if share is None else round(share, 2)}


_AMOUNTS = ("price_min", "price_max", "promotion_price", "post_fee", "sales", "min_order")


def _summary(counts: Counter[str], runs: list[Run], misses: int) -> dict[str, Any]:
    return {
        "runs": [str(run.path) for run in runs],
        "offers": [run.feeds.tally.offers for run in runs],
        **{kind: counts[kind] for kind in ("new", "changed", "vanished", "missed")},
        "changes": {name: counts[name] for name in FIELDS if counts[name]},
        "lost": {name: counts[f"lost {name}"] for name in FIELDS if counts[f"lost {name}"]},
        "misses": misses,
        "without_ledger": [str(run.path) for run in runs if not run.ledgers],
    }


def _show(found: Iterator[Change], counts: Counter[str], runs: list[Run], misses: int) -> None:
    """The first of each kind; of changes those of price, the largest."""
    rows: dict[str, list[Change]] = {"vanished": [], "new": []}
    changed = nlargest(_SHOWN, _kept(found, rows), key=_size)
    summary = _summary(counts, runs, misses)
    title = f"{runs[-1].path} against {', '.join(str(run.path) for run in runs[:-1])}"
    shown = [_row(each) for each in (*rows["vanished"], *changed, *rows["new"])]
    foot = list(_foot(summary, len(shown)))
    if shown:
        terminal_table.show(title, _HEADS, shown, foot, _SPARE)
    else:
        terminal_table.show("", {}, [], [title, *foot])


def _kept(found: Iterator[Change], rows: dict[str, list[Change]]) -> Iterator[Change]:
    for change in found:
        if change.kind == "changed":
            yield change
        elif change.kind in rows and len(rows[change.kind]) < _SHOWN:
            rows[change.kind].append(change)


def _size(change: Change) -> Decimal:
    return max(map(abs, change.percents), default=Decimal(0))


def _row(change: Change) -> tuple[str, ...]:
    what: str = change.kind
    size = max(change.percents, key=abs, default=None)
    if change.kind == "changed":
        told = [f"{name} {_cell(was)} → {_cell(now)}"
                for name, (was, now) in change.fields.items()]  # fmt: skip
        what = ", ".join(
            (*told, *(f"{name} {_cell(was)} → ?" for name, was in change.lost.items()))
        )
    percent_ = "" if size is None else f"{size:+.1f}%"
    return change.num_iid, percent_, what, change.title or "?", change.seed_id or "?"


def _cell(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _foot(summary: dict[str, Any], shown: int) -> Iterator[str]:
    fields = ", ".join(f"{name} {count}" for name, count in summary["changes"].items())
    of_what = f" ({fields})" if fields else ""
    yield f"{summary['new']} new, {summary['changed']} changed{of_what}, {summary['vanished']} gone"
    if summary["lost"]:
        lost = ", ".join(f"{name} {count}" for name, count in summary["lost"].items())
        yield f"not told any more by the same gateway: {lost}"
    if summary["missed"]:
        yield (
            f"{summary['missed']} more were not found, but by fewer than {summary['misses']} runs "
            "(--misses): a result's window moves"
        )
    if summary["without_ledger"]:
        names = ", ".join(summary["without_ledger"])
        yield f"no ledger beside {names}: held to have searched every seed to its end"
    if shown < summary["new"] + summary["changed"] + summary["vanished"]:
        yield f"the first {_SHOWN} of each kind are shown; --json gives all"
