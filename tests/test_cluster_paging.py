"""Pages are followed by the exchange as on one machine: `came` in Lua against `Paging`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.worker.messages import Ack, ledger_line
from pailitao_spider.crawl.paging import PAGE_LIMIT, Hints, Paging
from pailitao_spider.crawl.searches import Part, Search
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.seeds.model import Seed, UrlImage
from tests.exchanges import Exchanges, Talker, unpacked, url_seed

URL = "https://sandbox.invalid/1.jpg"
NUMBERS = count()
_LAST_PAGE = 15


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchanges]:
    folder: Path = tmp_path_factory.mktemp("redis")
    server = LocalServer(folder).start()
    made = Exchanges(server)
    yield made
    made.close()
    server.kill()


@dataclass
class Terms:
    """How a search is asked for: the gateway's page size, and the user's limits."""

    asked_size: int = 20
    max_pages: int | None = None
    max_rows: int | None = None
    passes: int = 1


@dataclass
class OneMachine:
    """A search as the spider follows it in one process."""

    search: Part
    queued: list[int] = field(default_factory=lambda: [1])
    in_hand: list[int] = field(default_factory=list)

    def take(self, number: int) -> list[int]:
        taken, self.queued = self.queued[:number], self.queued[number:]
        self.in_hand += taken
        return taken

    def settle(self, ack: Ack) -> None:
        search = self.search
        self.in_hand.remove(ack.page)
        search.open_pages[ack.page] -= 1
        search.calls += ack.calls
        search.offers_new += len(ack.own)
        if ack.rows is None:
            self._asked(search.will_not_come(ack.page, ack.gone))
            return
        hints = Hints(ack.total, ack.page_count, ack.has_next, ack.next_cursor)
        new = search.paging.came(ack.page, ack.ids, ack.rows, hints)
        search.fetched.add(ack.page)
        search.given_up.pop(ack.page, None)
        search.rows_seen += ack.rows
        search.open_pages.update(new)
        self._asked(new)

    def _asked(self, new: list[int]) -> None:
        search = self.search
        self.queued += new
        for page in sorted(page for page in self.queued if not search.needs(page)):
            self.queued.remove(page)
            search.open_pages[page] -= 1
            self.queued += search.will_not_come(page, None)


class Cluster:
    """The same search in Redis, in the hands of one worker."""

    def __init__(self, exchanges: Exchanges, terms: Terms) -> None:
        self._exchanges = exchanges
        self._worker = Talker(exchanges, "w")
        self._terms = {
            "page_size": terms.asked_size, "max_pages": terms.max_pages,
            "max_rows": terms.max_rows, "passes": terms.passes, "dedup": "off",
            "rows_for_each": True,
        }  # fmt: skip
        self.seed_id = f"seed-{next(NUMBERS)}"
        self.line: LedgerLine | None = None
        self.answered: dict[int, int] = {}
        exchanges.client.flushall()
        Talker(exchanges, "another").admit(url_seed(self.seed_id, f"{URL}?{self.seed_id}"))

    def _send(self, **members: Any) -> list[int]:
        answer = self._worker.say(want_lines=9, **self._terms, **members)
        for line in answer.lines:
            assert self.line is None, "one line a seed"
            self.line = ledger_line(line)
        self.answered |= {page.page: page.answered for page in answer.pages}
        return [page.page for page in answer.pages]

    def take(self, number: int) -> list[int]:
        return self._send(want=number, is_empty_handed=True)

    def settle(self, ack: Ack) -> None:
        self._send(acks=[told(ack, self.seed_id, self.answered[ack.page])])

    def fact(self, name: str) -> int:
        key = f"{self._exchanges.keys.prefix}seed:{self.seed_id}"
        return int(cast("bytes", self._exchanges.client.hget(key, name)))

    @property
    def queued(self) -> list[int]:
        ready: Any = self._exchanges.client.zrange(self._exchanges.keys.ready, 0, -1)
        return [int(id_.rpartition(b"/")[2]) for id_ in ready]

    @property
    def status(self) -> str:
        raw: Any = self._exchanges.client.hget(self._exchanges.keys.seeds, self.seed_id)
        found: str = unpacked(raw)["s"]
        return found


def told(ack: Ack, seed_id: str, answered: int) -> Ack:
    return msgspec.structs.replace(ack, seed=seed_id, answered=answered)


HINTS = st.none() | st.integers(0, 70)
TERMS = st.builds(
    Terms,
    st.integers(1, 12),
    st.none() | st.integers(1, 6),
    st.none() | st.integers(1, 60),
    st.integers(1, 3),
)


@st.composite
def acks(draw: st.DrawFn, page: int, is_needed: bool) -> Ack:
    """What may become of a page: rows, of which some were on other pages; or nothing."""
    calls = draw(st.integers(0, 3))
    kinds = ["empty", "gone", *["new"] * 4, "same", "mixed", "none"]
    kind = draw(st.sampled_from(kinds if is_needed else ["unneeded", *kinds]))
    if kind == "gone":
        why = draw(st.sampled_from(["transient", "bad_seed"]))
        return Ack("", page, calls, gone=f"{why}: {page}")
    if kind == "unneeded":
        return Ack("", page, calls, unneeded=True)
    rows = 0 if kind == "empty" or page > _LAST_PAGE else draw(st.integers(1, 12))
    own = [f"{page}-{number}" for number in range(rows)]
    if kind in ("same", "mixed"):
        other = draw(st.integers(1, page + 1))
        own = [f"{other}-{number}" for number in range(rows)] + own[:1] * (kind == "mixed")
    ids = [] if kind == "none" else own
    hints = {
        "total": draw(HINTS),
        "page_count": draw(HINTS),
        "has_next": draw(st.none() | st.booleans()),
        "next_cursor": draw(st.sampled_from([None] * 9 + [f"after-{page}"])),
    }
    written = own[: draw(st.integers(0, 3))]
    return Ack("", page, calls, rows=len(own), ids=ids, own=written, **hints)


def follow(exchanges: Exchanges, terms: Terms, data: Any) -> LedgerLine:
    """Drives both to the end, comparing at each step; returns the line."""
    cluster = Cluster(exchanges, terms)
    paging = Paging(terms.asked_size, terms.max_pages, terms.max_rows, terms.passes)
    seed = Seed(cluster.seed_id, UrlImage(f"{URL}?{cluster.seed_id}"))
    here = OneMachine(Search(seed, PictureRef(), paging, "").parts[0])
    while here.search.open_pages.total():
        number = data.draw(st.integers(0 if here.in_hand else 1, 5))
        if number:
            assert cluster.take(number) == here.take(number)
        if not here.in_hand:
            continue
        page = data.draw(st.sampled_from(here.in_hand))
        ack = data.draw(acks(page, here.search.needs(page)))
        cluster.settle(ack)
        here.settle(ack)
        if here.search.open_pages.total():
            assert cluster.queued == here.queued
            assert cluster.fact("planned") == paging.planned
            assert cluster.fact("open") == here.search.open_pages.total()
    assert cluster.line is not None
    wanted = here.search.search.line()
    assert replace(cluster.line, started_at=None, finished_at=None) == replace(
        wanted, started_at=None, finished_at=None
    )
    assert cluster.status == wanted.status
    return cluster.line


@given(terms=TERMS, data=st.data())
def test_whatever_comes_the_cluster_asks_for_the_same_pages_and_ends_with_the_same_line(
    exchanges: Exchanges, terms: Terms, data: st.DataObject
) -> None:
    follow(exchanges, terms, data)


class Script:
    """Draws from a list instead of from chance: [taken, page, ack, …]."""

    def __init__(self, *drawn: Any) -> None:
        self._drawn = iter(drawn)

    def draw(self, strategy: object) -> Any:
        return next(self._drawn)


def rows(page: int, number: int, total: int | None, page_count: int | None = None) -> Ack:
    ids = [f"{page}-{place}" for place in range(number)]
    return Ack("", page, 1, rows=number, total=total, page_count=page_count, ids=ids, own=ids)


def again(page: int, total: int | None) -> Ack:
    return msgspec.structs.replace(rows(1, 20, total), page=page)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([rows(1, 0, 0)], ("empty", None, 1, 1, 0, 0)),
        ([rows(1, 3, 0, 1)], ("done", None, 1, 1, 3, 0)),
        ([rows(1, 3, None, 1)], ("done", None, 1, 1, 3, None)),
        ([rows(1, 20, 0), rows(2, 0, None)], ("done", None, 1, 1, 20, 0)),
        ([Ack("", 1, 2, gone="bad_seed: no")], ("failed", "bad_seed: no", 1, 0, 0, None)),
        ([rows(1, 20, 50), Ack("", 2, 1, gone="x"), rows(3, 10, 50)],
         ("partial", "page 2: x", 3, 2, 30, 50)),
        ([rows(1, 20, 60), rows(2, 0, 60), rows(3, 0, 60), rows(2, 0, 60)],
         ("done", None, 1, 1, 20, 60)),
        ([rows(1, 20, 60), rows(2, 0, 60), rows(3, 20, 60), rows(2, 20, 60)],
         ("done", None, 3, 3, 60, 60)),
        ([rows(1, 20, 60), rows(2, 0, 60), rows(3, 20, 60), rows(2, 0, 60), rows(2, 0, 60)],
         ("partial", "page 2: no rows, asked 3 times", 3, 3, 40, 60)),
        ([rows(1, 20, 60), again(2, 60), again(3, 60), again(2, 60)],
         ("partial", "repeats: every further page shows the first one again", 1, 1, 80, 60)),
    ],
    ids=["empty", "one-page", "page-count-of-one", "zero-then-nothing", "failed", "partial",
         "a-total-that-lies", "a-hole-that-is-filled", "a-hole-that-stays", "repeats"],
)  # fmt: skip
def test_a_search_ends_as_on_one_machine(
    exchanges: Exchanges, pages: list[Ack], expected: tuple[Any, ...]
) -> None:
    drawn = [part for ack in pages for part in (1, ack.page, ack)]
    line = follow(exchanges, Terms(), Script(*drawn))
    assert (line.status, line.reason, line.pages_expected, line.pages_fetched,
            line.rows_seen, line.total_reported) == expected  # fmt: skip


def test_a_search_without_an_end_is_followed_to_the_page_limit(exchanges: Exchanges) -> None:
    pages = [rows(page, 20, 10**9) for page in range(1, PAGE_LIMIT + 1)]
    drawn = [part for ack in pages for part in (1, ack.page, ack)]
    line = follow(exchanges, Terms(), Script(*drawn))
    assert (line.status, line.pages_fetched) == ("partial", PAGE_LIMIT)
    assert line.reason == f"page_limit: not followed beyond page {PAGE_LIMIT}"
