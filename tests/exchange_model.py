"""What the exchange must do, once more in plain Python: the model that the script is held against.

Times play no part in it: a lease runs out when the test says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from pailitao_spider.cluster.seed_codec import IntakeSeed, digest_of, line_of
from pailitao_spider.cluster.worker.messages import Ack, Admit, Answer, Message, PageOut
from pailitao_spider.crawl.paging import Hints, Paging
from pailitao_spider.crawl.searches import Part, Search, twin_line
from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.seeds.model import Seed, UrlImage

COMPLETE = ("done", "empty")


def id_of(seed: str, page: int) -> str:
    return f"{seed}/{page}"


@dataclass
class ModelSeed:
    """`state` is waiting, open, or how it ended; a twin that waits has no search."""

    digest: str
    sha256: str | None = None
    state: str = "waiting"
    search: Part | None = None
    twins: list[str] = field(default_factory=list)
    got: set[str] = field(default_factory=set)
    gateway: str | None = None
    """The one that gave the first page."""
    line: LedgerLine | None = None
    holder: str | None = None
    """The worker that has its final line in hand."""

    @property
    def is_under_way(self) -> bool:
        return self.search is not None and self.state == "open"

    @property
    def is_lacking(self) -> bool:
        return self.state not in COMPLETE


class Model:
    def __init__(self, terms: dict[str, Any]) -> None:
        self.terms = terms
        self.seeds: dict[str, ModelSeed] = {}
        self.waiting: list[bytes] = []
        self.first_of: dict[str, str] = {}
        self.place: dict[str, str] = {}
        """Where a page is: ready, lease, delayed or suspect."""
        self.expired: set[str] = set()
        self.deliveries: dict[str, int] = {}
        self.attempts: dict[str, int] = {}
        self.dead: set[str] = set()
        self.unwritten: set[str] = set()
        self.offers: set[str] = set()
        self.pictures: set[str] = set()
        """Those whose bytes are stored."""
        self.repeated = 0
        self.quarantine: str | None = None
        self.reader: str | None = None
        self.last: dict[str, tuple[int, dict[str, int], bool]] = {}

    # producers

    def push(self, found: IntakeSeed, *, again: bool = False) -> str:
        seed, digest = found.seed.seed_id, digest_of(found)
        known = self.seeds.get(seed)
        if known is not None:
            if known.digest != digest and known.state != "failed":
                return "t"
            if known.digest == digest and not (again and known.state in ("partial", "failed")):
                return "k"
            self.unwritten.discard(seed)
        first = self.seeds.get(self.first_of.get(digest, ""))
        if again and first is not None and first.state in ("partial", "failed"):
            self.first_of[digest] = seed
        self.seeds[seed] = ModelSeed(digest, found.sha256)
        self.waiting.append(line_of(found))
        self.pictures |= {found.sha256} if found.sha256 else set()
        self._drop_pictures()
        return "n"

    def _drop_pictures(self) -> None:
        self.pictures &= {seed.sha256 or "" for seed in self.seeds.values() if seed.is_lacking}

    def replay(self, ids: list[str]) -> int:
        back = 0
        for id_ in ids:
            name, _, page = id_.rpartition("/")
            seed = self.seeds.get(name)
            if id_ not in self.dead or seed is None or seed.search is None:
                continue
            if seed.search.open_pages[int(page)] > 0:
                continue
            if int(page) not in seed.search.given_up or seed.state in (*COMPLETE, "waiting"):
                continue
            self.dead.discard(id_)
            del seed.search.given_up[int(page)]
            seed.search.open_pages[int(page)] += 1
            seed.search.paging.pages.ask(int(page))
            seed.state, seed.line, seed.holder = "open", None, None
            self.unwritten.discard(name)
            self.place[id_] = "ready"
            back += 1
        return back

    # one exchange

    def exchange(self, m: Message, raw: list[bytes], answer: Answer, lines: list[bytes]) -> None:
        """Follows the script through one call, and holds its answer against what it may say."""
        buried: list[str] = []
        lost = []
        for hold in m.holds:
            is_his = self._owns(hold.id, hold.delivery)
            if is_his and self.place.get(hold.id) in ("lease", "suspect"):
                self.place[hold.id] = "lease"
                self.expired.discard(hold.id)
            else:
                lost.append(hold.id)
        for ack in m.acks:
            self._ack(ack)
        for back in m.given_back:
            if self._owns(back.id, back.delivery):
                self._out(back.id)
                self.place[back.id] = "delayed" if back.delay else "ready"
                if back.failures:
                    self.attempts[back.id] = back.failures
        for burial in m.burials:
            if self._owns(burial.id, burial.delivery):
                self._bury(burial.id, burial.why, buried)
        for name in m.written:
            seed = self.seeds.get(name)
            if seed is not None and seed.holder == m.worker and name in self.unwritten:
                self.unwritten.discard(name)
                if not seed.is_lacking:
                    seed.search = None
        for admit in m.admits:
            self._admit(admit, raw[admit.line])
        self._reclaim(answer, buried)
        assert answer.lost == lost
        assert answer.buried == buried
        self._pages(m, answer)
        for line in answer.lines:
            self._line(m, line.seed)
        self._intake(m, lines)

    def _owns(self, id_: str, delivery: int) -> bool:
        return self.deliveries.get(id_) == delivery

    def _out(self, id_: str) -> None:
        self.place.pop(id_, None)
        self.deliveries.pop(id_, None)
        self.attempts.pop(id_, None)
        self.expired.discard(id_)

    def _ack(self, ack: Ack) -> None:
        seed = self.seeds.get(ack.seed)
        if (
            ack.rows is None
            and ack.delivery
            and not self._owns(id_of(ack.seed, ack.page), ack.delivery)
        ):
            return
        if seed is None or not seed.is_under_way or seed.search is None:
            self._out(id_of(ack.seed, ack.page))
            return
        search, page = seed.search, ack.page
        came_after_all = (
            ack.rows is not None and page in search.given_up and page not in search.fetched
        )
        is_asked = page <= search.paging.planned
        is_current = ack.answered in (None, search.paging.times_answered(page))
        is_open = search.open_pages[page] > 0
        is_first = is_asked and ((is_open and is_current) or came_after_all)
        if is_first or not is_open:
            self._out(id_of(ack.seed, ack.page))
        search.offers_new += self._keep(ack, seed, is_first)
        if not is_first:
            return
        search.calls += ack.calls
        search.open_pages[page] -= is_open
        if ack.rows is not None:
            self._came(ack, seed, search)
        else:
            self._asked(ack.seed, search, search.will_not_come(page, ack.gone))
        if not search.open_pages.total():
            self._finish(ack.seed, seed, search)

    def _came(self, ack: Ack, seed: ModelSeed, search: Part) -> None:
        search.given_up.pop(ack.page, None)
        self.dead.discard(id_of(ack.seed, ack.page))
        if ack.page == 1 and ack.gateway and seed.gateway is None:
            seed.gateway = ack.gateway
        search.fetched.add(ack.page)
        search.rows_seen += ack.rows or 0
        hints = Hints(ack.total, ack.page_count, ack.has_next)
        new = search.paging.came(ack.page, ack.ids, ack.rows or 0, hints)
        search.open_pages.update(new)
        self._asked(ack.seed, search, new)

    def _asked(self, name: str, search: Part, new: list[int]) -> None:
        """Pages that are asked for stand in the queue, and leave it when nobody wants them."""
        self.place |= {id_of(name, page): "ready" for page in new}
        open_pages = sorted(search.open_pages.elements())
        for page in [page for page in open_pages if not search.needs(page)]:
            if self.place.get(id_of(name, page)) in ("ready", "suspect"):
                self._out(id_of(name, page))
                search.open_pages[page] -= 1
                new = search.will_not_come(page, None)
                self.place |= {id_of(name, each): "ready" for each in new}

    def _keep(self, ack: Ack, seed: ModelSeed, is_first: bool) -> int:
        if self.terms["dedup"] == "off":
            return len(ack.own) if is_first else 0
        kept = self.offers
        written = {f"{ack.offers[n]}:{ack.offers[n + 1]}" for n in range(0, len(ack.offers), 2)}
        if self.terms["dedup"] == "seed":
            kept, written = seed.got, set(ack.own)
        before = len(kept)
        kept |= written
        return len(kept) - before

    def _finish(self, name: str, seed: ModelSeed, search: Part) -> None:
        line = search.search.line()
        seed.state, seed.line, seed.holder = line.status, line, None
        self.unwritten.add(name)
        self._drop_pictures()
        seed.got.clear()
        twins, seed.twins = seed.twins, []
        for twin in twins:
            self._begin_twin(twin, line)

    def _begin_twin(self, name: str, first: LedgerLine) -> None:
        if self.terms["rows_for_each"]:
            self._search(name)
            return
        seed = self.seeds[name]
        line = twin_line(first, Seed(name, UrlImage(name)))
        seed.state, seed.line, seed.holder = line.status, line, None
        self.unwritten.add(name)
        self._drop_pictures()

    def _search(self, name: str) -> None:
        asked = self.terms
        paging = Paging(asked["page_size"], asked["max_pages"], asked["max_rows"], asked["passes"])
        seed = self.seeds[name]
        seed.state, seed.gateway = "open", None
        seed.search = Search(Seed(name, UrlImage(name)), PictureRef(), paging, "").parts[0]
        self.place[id_of(name, 1)] = "ready"

    def _bury(self, id_: str, why: str, buried: list[str]) -> None:
        self.dead.add(id_)
        buried.append(id_)
        name, _, page = id_.rpartition("/")
        self._ack(Ack(name, int(page), 0, answered=None, gone=f"buried: {why}"))

    def _admit(self, admit: Admit, raw: bytes) -> None:
        if raw not in self.waiting:
            return
        self.waiting.remove(raw)
        name, number = admit.seed, 1
        known = self.seeds.get(name)
        while known is not None and known.digest != admit.digest:
            name = admit.other if number == 1 else f"{admit.other}-{number}"
            known, number = self.seeds.get(name), number + 1
        if known is not None and known.state != "waiting":
            self.repeated += 1
            return
        twins = known.twins if known is not None else []
        seed = self.seeds[name] = ModelSeed(admit.digest, admit.sha, "open", twins=twins)
        first = self.first_of.get(admit.digest)
        known = self.seeds.get(first or "")
        if admit.bad is not None:
            now = LedgerLine(name, "", "failed", admit.bad, admit.pages)
            seed.state, seed.line = "failed", now
            self.unwritten.add(name)
        elif first is None or first == name or known is None or known.digest != admit.digest:
            self.first_of[admit.digest] = name
            self._search(name)
        elif known.line is not None:
            self._begin_twin(name, known.line)
        else:
            known.twins.append(name)

    def _reclaim(self, answer: Answer, buried: list[str]) -> None:
        reclaimed = 0
        for id_ in sorted(self.expired):
            if self.place[id_] == "delayed":
                self.place[id_] = "ready"
            else:
                reclaimed += 1
                if self.deliveries[id_] >= self.terms["most_deliveries"]:
                    self._bury(id_, f"{self.deliveries[id_]} workers vanished with it", buried)
                else:
                    self.place[id_] = "suspect"
        self.expired.clear()
        assert answer.reclaimed == reclaimed

    # what comes out

    def _pages(self, m: Message, answer: Answer) -> None:
        if m.worker in self.last and self.last[m.worker][0] == m.number:
            _, given, alone = self.last[m.worker]
            still = {id_ for id_, n in given.items()
                     if self._owns(id_, n) and self.place.get(id_) == "lease"}  # fmt: skip
            assert {id_of(page.seed, page.page) for page in answer.pages} == still
            assert answer.alone == alone
        else:
            self._fresh_pages(m, answer)
        for page in answer.pages:
            id_ = id_of(page.seed, page.page)
            assert (page.delivery, page.failures) == (
                self.deliveries[id_], self.attempts.get(id_, 0))  # fmt: skip
            paging = self._searched(page).paging
            assert (page.size, page.last) == (paging.size, paging.end)
            assert page.gateway == self.seeds[page.seed].gateway
        suspects = [id_ for id_, place in self.place.items() if place == "suspect"]
        if self.quarantine == m.worker and not suspects:
            self.quarantine = None

    def _searched(self, page: PageOut) -> Part:
        search = self.seeds[page.seed].search
        assert search is not None
        return search

    def _fresh_pages(self, m: Message, answer: Answer) -> None:
        """Suspects go alone into empty hands; one worker at a time empties its hands for them."""
        suspects = {id_ for id_, place in self.place.items() if place == "suspect"}
        ready = {id_ for id_, place in self.place.items() if place == "ready"}
        out = [id_of(page.seed, page.page) for page in answer.pages]
        assert answer.alone == bool(suspects and m.want and m.is_empty_handed)
        if answer.alone:
            assert len(out) == 1
            assert out[0] in suspects
        elif suspects and m.want and self.quarantine in (None, m.worker):
            self.quarantine = m.worker
            assert out == []
        else:
            assert len(out) == min(m.want, len(ready))
            assert set(out) <= ready
            left = ready - set(out)
            firsts = [page for page in answer.pages if page.page == 1 and not page.answered]
            assert not firsts or all(id_.endswith("/1") for id_ in left), "further pages first"
        for id_ in out:
            self.place[id_] = "lease"
            self.deliveries[id_] = self.deliveries.get(id_, 0) + 1
        given = {id_: self.deliveries[id_] for id_ in out}
        self.last[m.worker] = (m.number, given, answer.alone)

    def _line(self, m: Message, name: str) -> None:
        seed = self.seeds[name]
        assert name in self.unwritten
        assert seed.line is not None
        seed.holder = m.worker

    def _intake(self, m: Message, lines: list[bytes]) -> None:
        if self.reader not in (None, m.worker):
            assert lines == []
            return
        self.reader = None
        ready = sum(place == "ready" for place in self.place.values())
        wanted = m.want_seeds if ready < m.want_seeds else 0
        assert lines == self.waiting[:wanted]
        if lines:
            self.reader = m.worker

    # what must be so

    @property
    def counts(self) -> Counter[str]:
        return Counter(seed.state for seed in self.seeds.values() if seed.state != "waiting")

    def line_of(self, name: str) -> LedgerLine:
        line = self.seeds[name].line
        assert line is not None
        return replace(line, image="", started_at=None, finished_at=None)
