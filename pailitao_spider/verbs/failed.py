"""`pailitao failed`: the seeds that failed, as a list to mend and feed back."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pailitao_spider.cli.words import tr
from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.results.line_keys import NO_LINE
from pailitao_spider.results.records import LedgerLine

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "the seeds that failed, with their columns and reasons, as a list to mend and search"

_BECAUSE = "failed_because"
_FIRST = ("image", "seed_id")
_LEDGER = ".seeds.jsonl"
_ENDINGS = (".xlsx", ".csv", ".jsonl")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feeds", nargs="*", type=Path, metavar="offers.jsonl",
                        help=tr("feeds, or their ledgers"))  # fmt: skip
    parser.add_argument("-O", dest="output", type=Path, metavar="FILE",
                        help=tr("the list: .xlsx, .csv or .jsonl"))  # fmt: skip
    parser.add_argument("--partial", action="store_true",
                        help=tr("those too that came only in part"))  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Exits with 0, also when nothing failed; 2 for a mistake."""
    try:
        statuses = {"failed", "partial"} if options.partial else {"failed"}
        lines = [each for each in _last_lines(_ledgers(options.feeds)) if each.status in statuses]
        rows = [_row(each) for each in lines]
        out = _output(options.output)
        _write(out, rows)
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{_told(lines, out)}\n")
    return 0


def _ledgers(feeds: Sequence[Path]) -> list[Path]:
    if not feeds:
        raise ResultsError(tr("no feed; give the .jsonl file of a crawl"))
    found = [each if each.name.endswith(_LEDGER) else each.with_suffix(_LEDGER) for each in feeds]
    for path in found:
        if not path.is_file():
            raise ResultsError(tr("{path}: there is no such ledger; give the feed of a crawl",
                                  path=path))  # fmt: skip
    return found


def _last_lines(ledgers: Iterable[Path]) -> list[LedgerLine]:
    """Of each seed the line that holds, in their order."""
    found: dict[str, LedgerLine] = {}
    decode = msgspec.json.Decoder(LedgerLine).decode
    for path in ledgers:
        with path.open("rb") as stream:
            for raw in stream:
                try:
                    line = decode(raw)
                except NO_LINE:
                    continue
                found.pop(line.seed_id, None)
                found[line.seed_id] = line
    return list(found.values())


def _row(line: LedgerLine) -> dict[str, Any]:
    extra = {name: value for name, value in line.seed_extra.items() if name != _BECAUSE}
    is_lost = line.image.startswith("base64:")  # the ledger holds its hash only
    image = "" if is_lost else line.image
    return {"image": image, "seed_id": line.seed_id, **extra, _BECAUSE: line.reason or line.status}


def _output(given: Path | None) -> Path:
    if given is None:
        raise ConfigError(tr("no output; say where to write the list: -O again.xlsx"))
    if given.suffix.lower() not in _ENDINGS:
        raise ConfigError(
            tr("{path}: the list is written as {endings}; end the name so",
               path=given, endings=", ".join(_ENDINGS))
        )  # fmt: skip
    if not given.absolute().parent.is_dir():
        raise ConfigError(tr("{path}: there is no such folder; make it first", path=given))
    return given


def _columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    names = dict.fromkeys(_FIRST)
    for row in rows:
        names |= dict.fromkeys(name for name in row if name != _BECAUSE)
    return [*names, _BECAUSE]


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    writers = {".csv": _csv, ".jsonl": _jsonl, ".xlsx": _xlsx}
    try:
        writers[out.suffix.lower()](out, rows)
    except OSError as error:
        raise ResultsError(f"{out}: {error.strerror or error}") from error


def _cells(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> Iterator[list[Any]]:
    for row in rows:
        values = (row.get(name, "") for name in columns)
        yield [json.dumps(each, ensure_ascii=False) if isinstance(each, dict | list) else each
               for each in values]  # fmt: skip


def _csv(out: Path, rows: list[dict[str, Any]]) -> None:
    columns = _columns(rows)
    with out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(_cells(rows, columns))


def _jsonl(out: Path, rows: list[dict[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _xlsx(out: Path, rows: list[dict[str, Any]]) -> None:
    try:
        import xlsxwriter
    except ImportError:
        raise ConfigError(
            tr("{path}: .xlsx needs one more package: pip install XlsxWriter", path=out)
        ) from None
    columns = _columns(rows)
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("failed")
        sheet.write_row(0, 0, columns)
        for number, cells in enumerate(_cells(rows, columns), 1):
            sheet.write_row(number, 0, cells)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 24)


def _told(lines: Sequence[LedgerLine], out: Path) -> str:
    if not lines:
        return tr("no seed failed; {path} holds only its header", path=out)
    return tr(
        "{count} seeds in {path}: mend what {column} says, then pailitao search {path} -o FEED",
        count=len(lines), path=out, column=_BECAUSE,
    )  # fmt: skip
