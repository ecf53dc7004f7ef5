"""`scrapy pailitao diff`: what the newest of several crawls brought."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pailitao_spider import typed_text
from pailitao_spider.errors import ConfigError
from pailitao_spider.questions import showing, telling
from pailitao_spider.questions.changes import FIELDS, Change, Run, changes
from pailitao_spider.questions.reading import check_feeds

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "what the newest of several crawls brought: prices, sales, new and vanished offers"

_SHOWN = 50
_HEADS = {"offer": "right", "what": "left", "title": "left", "seed": "whole"}
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
    parser.add_argument("--json", action="store_true", help="a JSON object a change, then one")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, 1 when lines could not be read, 2 for a mistake."""
    return telling.answered(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    given = telling.typed(options, {"misses": typed_text.whole(), "only": _only})
    misses = given.get("misses", 2)
    if len(options.feeds) == 1:
        raise ConfigError("one feed has nothing to differ from; give two or more, the oldest first")
    runs = [Run(path) for path in check_feeds(options.feeds)]
    counts: Counter[str] = Counter()
    found = _counted(changes(runs, misses), given.get("only", frozenset(FIELDS)), counts)
    if options.json:
        for change in found:
            if change.kind != "missed":
                telling.json_line(_facts(change))
        telling.json_line({"kind": "summary", **_summary(counts, runs, misses)})
    else:
        _show(found, counts, runs, misses)
    return telling.tell_unread(*(tally for run in runs for tally in (run.feeds.tally, run.beside)))


def _only(given: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in given.split(","))
    if not names <= FIELDS.keys():
        raise ValueError(f"some of {','.join(FIELDS)}")
    return names


def _counted(
    found: Iterator[Change], only: frozenset[str], counts: Counter[str]
) -> Iterator[Change]:
    for change in found:
        fields = {name: pair for name, pair in change.fields.items() if name in only}
        if change.kind == "changed" and not fields:
            continue
        counts[change.kind] += 1
        counts.update(list(fields))
        yield Change(change.kind, change.num_iid, change.seed_id, change.title, fields,
                     change.misses)  # fmt: skip


def _facts(change: Change) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": change.kind,
        "num_iid": change.num_iid,
        "seed_id": change.seed_id,
        "title": change.title,
    }
    if change.kind == "changed":
        facts["changes"] = {
            name: {"old": old, "new": new} for name, (old, new) in change.fields.items()
        }
    if change.kind == "vanished":
        facts["misses"] = change.misses
    return facts


def _summary(counts: Counter[str], runs: list[Run], misses: int) -> dict[str, Any]:
    return {
        "runs": [str(run.path) for run in runs],
        "offers": [run.feeds.tally.offers for run in runs],
        **{kind: counts[kind] for kind in ("new", "changed", "vanished", "missed")},
        "changes": {name: counts[name] for name in FIELDS if counts[name]},
        "misses": misses,
        "without_ledger": [str(run.path) for run in runs if not run.ledgers],
    }


def _show(found: Iterator[Change], counts: Counter[str], runs: list[Run], misses: int) -> None:
    """The first of each kind."""
    rows: dict[str, list[tuple[str, ...]]] = {"vanished": [], "changed": [], "new": []}
    for change in found:
        if change.kind in rows and len(rows[change.kind]) < _SHOWN:
            rows[change.kind].append(_row(change))
    summary = _summary(counts, runs, misses)
    titles = f"{runs[-1].path} against {', '.join(str(run.path) for run in runs[:-1])}"
    shown = [row for kind in rows.values() for row in kind]
    showing.show(titles, _HEADS, shown, list(_foot(summary, len(shown))), _SPARE)


def _row(change: Change) -> tuple[str, ...]:
    what: str = change.kind
    if change.kind == "changed":
        what = ", ".join(f"{name} {_cell(was)} → {_cell(now)}"
                         for name, (was, now) in change.fields.items())  # fmt: skip
    return change.num_iid, what, change.title or "?", change.seed_id or "?"


def _cell(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _foot(summary: dict[str, Any], shown: int) -> Iterator[str]:
    fields = ", ".join(f"{name} {count}" for name, count in summary["changes"].items())
    of_what = f" ({fields})" if fields else ""
    yield f"{summary['new']} new, {summary['changed']} changed{of_what}, {summary['vanished']} gone"
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
