"""The records of a CSV file, each bad one by itself: its quotes harm no other."""

from __future__ import annotations

import csv
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from pailitao_spider.seeds.row_to_seed import Fault
from pailitao_spider.seeds.text_lines import MAX_CELL

__all__ = ["BAD_ENCODING", "Record", "records"]

Record = tuple[int, list[str]]

BAD_ENCODING = "the line is neither UTF-8 nor GB18030 as the others are; save the file as UTF-8"
_HEADS = 20
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# Where one open quote has swallowed the file, the records after it may span no more lines than
# this: else a file of such quotes would be read anew for each of them.
_MAX_SPAN = 100


class _UnreadableLineError(Exception):
    pass


class _Feed:
    """Lines for csv.reader, with those of the present record kept to be read anew."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._again: deque[str | None] = deque()
        self._record: list[str] = []
        self.number = 0
        self.is_torn = False
        self._span = sys.maxsize

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._record) >= self._span:
            raise csv.Error("its quote is not closed soon")
        try:
            line = self._again.popleft() if self._again else next(self._lines)
        except StopIteration:
            self.is_torn = bool(self._record)
            raise
        self.number += 1
        if line is None:
            raise _UnreadableLineError
        self._record.append(line)
        return line

    def begin(self) -> int:
        """The number of the next record's first line."""
        self._record.clear()
        self.is_torn = False
        return self.number + 1

    def go_back(self) -> None:
        """All but the first line of the present record come again: they are not its fault."""
        again = self._record[1:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)
        if len(again) > _MAX_SPAN:
            self._span = _MAX_SPAN

    def heads(self) -> list[str]:
        """The first written lines, which still come; empty lines before them go."""
        found: list[str | None] = []
        for line in self._lines:
            if not found and line is not None and not line.strip():
                self.number += 1
                continue
            found.append(line)
            if len(found) == _HEADS:
                break
        self._again.extend(found)
        return [line for line in found if line]

    def leave_out(self) -> None:
        """The next line, which is no record."""
        self._again.popleft()
        self.number += 1


def records(
    lines: Iterator[str | None], delimiter_of: Callable[[Sequence[str]], str]
) -> Iterator[Record | Fault]:
    """The number of the first line and the cells of each record, cut as the first line tells."""
    # The limit belongs to the whole process, and there is no other: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    feed = _Feed(lines)
    heads = feed.heads()
    reader = csv.reader(feed, delimiter=delimiter_of(heads))
    if heads and _SEPARATOR.fullmatch(heads[0]):
        feed.leave_out()
    while True:
        start = feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _UnreadableLineError:
            yield Fault(feed.number, "bad_encoding", BAD_ENCODING)
        except csv.Error as error:
            feed.go_back()
            yield Fault(start, "bad_csv", f"the line cannot be read ({error}); check its quotes")
        else:
            if feed.is_torn:
                feed.go_back()
                yield Fault(start, "bad_csv", "a quote is opened and never closed; close it")
            elif cells:
                yield start, cells
