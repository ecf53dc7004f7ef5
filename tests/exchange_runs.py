"""Random runs of the exchange: the script and the model side by side, checked after each step."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from pailitao_spider.cluster.seed_codec import IntakeSeed, line_of
from pailitao_spider.cluster.shared.dedup import id_shard
from pailitao_spider.cluster.worker.intake import ReadLines
from pailitao_spider.cluster.worker.messages import (
    Ack,
    Answer,
    Burial,
    GiveBack,
    Hold,
    Message,
    PageOut,
    ledger_line,
)
from pailitao_spider.seeds.model import Seed, StoredImage, UrlImage
from tests.exchange_model import COMPLETE, Model, id_of
from tests.exchanges import TERMS, Exchanges, unpacked

NAMES = [f"s{number}" for number in range(5)]
PICTURES = ["p0", "p1", "p2"]


@dataclass
class ModelWorker:
    """What a worker remembers: pages stay in its hands though their leases may have run out."""

    name: str
    number: int = 0
    hand: dict[str, PageOut] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    read: ReadLines = field(default_factory=ReadLines)
    unanswered: tuple[Message, list[bytes]] | None = None
    """A message whose answer was lost: it is sent again before anything else."""


class Run:
    """One random run: the script and the model side by side."""

    def __init__(self, exchanges: Exchanges, chance: random.Random) -> None:
        self.chance = chance
        self.redis = exchanges
        dedup = chance.choice(["crawl", "crawl", "seed", "off"])
        self.size = chance.choice([1, 2, 3])
        self.seeds = NAMES[: chance.choice([1, 2, 5])]
        self.pictures = PICTURES[: chance.choice([1, 3])]
        self.again = chance.choice([0.2, 0.8])
        self.acts = [
            (Run.exchange, 60), (Run.push, 14), (Run.expire_leases, chance.choice([3, 12])),
            (Run.expire_the_rest, chance.choice([3, 12])), (Run.kill, chance.choice([0, 3])),
            (Run.replay, chance.choice([1, 6])),
        ]  # fmt: skip
        self.pace = chance.choice([(1, 1, 1), (9, 3, 1)])
        self.terms = {
            **TERMS, "dedup": dedup, "page_size": self.size,
            "rows_for_each": dedup != "crawl" or chance.random() < 0.2,
            "max_pages": chance.choice([None, None, 2]),
            "max_rows": chance.choice([None, None, 7]),
            "passes": chance.choice([1, 1, 2]),
        }  # fmt: skip
        self.model = Model(self.terms)
        self.names = iter(range(10**6))
        self.workers = [self._hired() for _ in range(3)]
        self.written: dict[str, int] = {}
        self.exchanges = 0
        exchanges.client.flushall()

    def _hired(self) -> ModelWorker:
        return ModelWorker(f"w{next(self.names)}")

    def step(self) -> None:
        acts, weights = zip(*self.acts, strict=True)
        self.chance.choices(acts, weights)[0](self)
        check(self.redis.snapshot(), self.model, self.terms)

    # what producers and people do

    def push(self) -> None:
        found = self._seed()
        line = line_of(found)
        if self.chance.random() < 0.2:
            self.redis.client.rpush(self.redis.keys.waiting, line)
            self.model.waiting.append(line)
            return
        again = self.chance.random() < self.again
        data = b"bytes" * 9 if found.sha256 else b""
        answer = self.redis.push(found, again=again, data=data)
        assert answer == self.model.push(found, again=again)

    def _seed(self) -> IntakeSeed:
        name, picture = self.chance.choice(self.seeds), self.chance.choice(self.pictures)
        if self.chance.random() < 0.1:
            image = self.chance.choice([UrlImage("nothing"), StoredImage("9" * 64, "cut.jpg")])
            return IntakeSeed(Seed(name, image), "bad: no picture")
        if picture != "p2":
            return IntakeSeed(Seed(name, StoredImage(picture[1] * 64, "a.jpg")))
        return IntakeSeed(Seed(name, UrlImage(f"https://sandbox.invalid/{picture}.jpg")))

    def replay(self) -> None:
        ids = sorted(self.model.dead)
        assert self.redis.replay(*ids) == self.model.replay(ids)

    # what time and fate do

    def expire_leases(self) -> None:
        for id_, place in self.model.place.items():
            if place in ("lease", "delayed") and self.chance.random() < 0.5:
                self.redis.client.zadd(self.redis.keys.lease, {id_: 0})
                self.model.expired.add(id_)

    def expire_the_rest(self) -> None:
        keys, client = self.redis.keys, self.redis.client
        client.delete(keys.quarantine, keys.intake)
        self.model.quarantine = self.model.reader = None
        for name in self.model.unwritten:
            client.zadd(keys.ended, {name: 0})

    def kill(self) -> None:
        self.workers[self.chance.randrange(len(self.workers))] = self._hired()

    # what workers do

    def exchange(self) -> None:
        worker = self.chance.choices(self.workers, self.pace)[0]
        if worker.unanswered is None:
            worker.number += 1
            worker.unanswered = self._message(worker), worker.read.raw
        self._send(worker, is_lost=self.chance.random() < 0.2)

    def _send(self, worker: ModelWorker, *, is_lost: bool = False) -> Answer | None:
        assert worker.unanswered is not None
        message, raw = worker.unanswered
        self.redis.client.hdel(self.redis.keys.counts, "beat", "grace")  # see the test of those
        answer, lines = self.redis.send(message, raw)
        self.exchanges += 1
        self.model.exchange(message, raw, answer, lines)
        for line in answer.lines:
            told = replace(
                ledger_line(line), image="", image_sha256=None, started_at=None, finished_at=None
            )
            assert told == self.model.line_of(line.seed)
        if is_lost:
            return None
        worker.unanswered = None
        worker.lines = [line.seed for line in answer.lines]
        for page in answer.pages:
            worker.hand[id_of(page.seed, page.page)] = page
        worker.read = ReadLines.of(lines)
        return answer

    def _message(self, worker: ModelWorker, *, ends: tuple[str, ...] | None = None) -> Message:
        acks, back, burials = [], [], []
        for id_, page in list(worker.hand.items()):
            ends_now = ends or ("hold", "hold", "ack", "ack", "ack", "back", "bury")
            end = self.chance.choice(ends_now)
            if end != "hold":
                del worker.hand[id_]
            if end == "ack":
                acks.append(self._ack(page))
            elif end == "back":
                failures, delay = self.chance.choice([0, 1]), self.chance.choice([0.0, 500.0])
                back.append(GiveBack(id_, page.delivery, failures, delay))
            elif end == "bury":
                burials.append(Burial(id_, page.delivery, "no seed"))
        for name in worker.lines:
            self.written[name] = self.written.get(name, 0) + 1
        members = {**self.terms, "want": self.chance.randrange(4),
                   "want_seeds": self.chance.choice([0, 2, 5]),
                   "want_lines": self.chance.choice([0, 1, 9])}  # fmt: skip
        holds = [Hold(id_, page.delivery) for id_, page in worker.hand.items()]
        return Message(
            worker.name, worker.number, "{}", **members, holds=holds, acks=acks, given_back=back,
            burials=burials, written=worker.lines, admits=worker.read.admits,
            refusals=worker.read.refusals, is_empty_handed=not holds,
        )  # fmt: skip

    def _ack(self, page: PageOut) -> Ack:
        """What a gateway of a fixed number of rows, which may lie, leads to."""
        calls, seed, number = self.chance.randrange(3), page.seed, page.page
        end = self.chance.random()
        told: dict[str, Any] = {"answered": page.answered}
        if end < 0.1:
            told |= {"gone": "transient: 500", "delivery": page.delivery}
            return Ack(seed, number, calls, **told)
        if page.last is not None and number > page.last and end < 0.8:
            told |= {"unneeded": True, "delivery": page.delivery}
            return Ack(seed, number, calls, **told)
        real = sum(map(ord, seed)) * 7 % 11
        first = (number - 1) * self.size if self.chance.random() < 0.9 else 0
        ids = [f"{900 + place}" for place in range(first, min(first + self.size, real))]
        total = self.chance.choice([real, real, None, 0, real + 4])
        pages = self.chance.choice([None, None, 1, 4])
        written = [each for each in ids if self.chance.random() < 0.8]
        own: dict[str, Any] = {"own": written}
        if self.terms["dedup"] == "crawl":
            own = {"offers": [part for each in written for part in id_shard(each)]}
        has_next = self.chance.choice([None, None, None, True, False])
        gateway = self.chance.choice(["router", "onebound", None])
        return Ack(seed, number, calls, rows=len(ids), total=total, page_count=pages, ids=ids,
                   has_next=has_next, gateway=gateway, **told, **own)  # fmt: skip

    # the end

    def drain(self) -> None:
        """Workers that all go well, until the run is empty."""
        for _ in range(400):
            self.expire_the_rest()
            self.expire_leases()
            worker = self.chance.choice(self.workers)
            if worker.unanswered is None:
                worker.number += 1
                message = self._message(worker, ends=("ack",))
                message.want, message.want_seeds, message.want_lines = 4, 9, 9
                worker.unanswered = message, worker.read.raw
            answer = self._send(worker)
            check(self.redis.snapshot(), self.model, self.terms)
            if answer is not None and answer.is_run_empty:
                return
        raise AssertionError("the run does not come to its end")


def check(found: dict[str, Any], model: Model, terms: dict[str, Any]) -> None:
    """What must be so after every step."""
    seeds = {name: unpacked(raw) for name, raw in found.get("seeds", {}).items()}
    assert {name: record["s"] for name, record in seeds.items()} == {
        name: seed.state for name, seed in model.seeds.items()}  # fmt: skip
    assert found.get("waiting", []) == model.waiting
    places: dict[str, set[str]] = {"ready": set(), "lease": set(), "suspect": set()}
    for id_, place in model.place.items():
        places[{"delayed": "lease"}.get(place, place)].add(id_)
    assert {name: set(found.get(name, {})) for name in places} == places
    assert {id_: int(n) for id_, n in found.get("deliveries", {}).items()} == model.deliveries
    assert {id_: int(n) for id_, n in found.get("attempts", {}).items()} == model.attempts
    assert set(found.get("dead", {})) == model.dead
    assert set(found.get("ended", {})) == model.unwritten
    counts = {name: int(number) for name, number in found.get("counts", {}).items()
              if name not in ("beat", "grace")}  # fmt: skip
    for state in ("open", "done", "empty", "partial", "failed"):
        assert counts.get(state, 0) == model.counts[state], state
    assert counts.get("repeated", 0) == model.repeated
    stored = {name[4:]: len(value) for name, value in found.items() if name.startswith("pic:")}
    assert counts.get("picture_bytes", 0) == sum(stored.values())
    assert set(stored) == model.pictures
    for name, seed in model.seeds.items():
        _check_seed(found, name, seed, seeds[name])
    _check_keys(found, model)


def _check_seed(found: dict[str, Any], name: str, seed: Any, record: dict[str, Any]) -> None:
    assert [raw.decode() for raw in found.get(f"twins:{name}", [])] == seed.twins
    facts = found.get(f"seed:{name}", {})
    if seed.is_under_way:
        search = seed.search
        wanted = (search.open_pages.total(), search.paging.planned, len(search.fetched),
                  search.rows_seen, search.offers_new, search.calls)  # fmt: skip
        names = ("open", "planned", "fetched", "rows", "offers", "calls")
        assert tuple(int(facts[each]) for each in names) == wanted
        # A page of an open seed that is not settled is in exactly one place.
        for page in search.open_pages.elements():
            where = [each for each in ("ready", "lease", "suspect")
                     if id_of(name, page) in found.get(each, {})]  # fmt: skip
            assert len(where) == 1, (name, page, where)
    elif seed.line is not None:
        line = seed.line
        assert (record["s"], record.get("y"), record.get("e"), record.get("f"), record.get("r"),
                record.get("t"), record.get("o", 0), record.get("l")) == (
            line.status, line.reason, line.pages_expected, line.pages_fetched, line.rows_seen,
            line.total_reported, line.offers_seen, line.offers_expected)  # fmt: skip


def _check_keys(found: dict[str, Any], model: Model) -> None:
    """What belongs to a seed lives no longer than the seed is under way."""
    for key in found:
        kind, _, name = key.partition(":")
        if kind == "got":
            assert model.seeds[name].is_under_way, key
        elif kind == "rows":
            assert model.seeds[name].is_lacking, key
        elif kind == "twins":
            assert model.seeds[name].state in ("open", "waiting"), key
        elif kind == "seed":
            seed = model.seeds[name]
            assert seed.state not in COMPLETE or name in model.unwritten, key


def play(exchanges: Exchanges, number: int, steps: int) -> int:
    """One run from an empty Redis to its end; returns how many exchanges it took."""
    run = Run(exchanges, random.Random(number))
    for _ in range(steps):
        run.step()
    run.drain()
    assert_ended(run)
    return run.exchanges


def assert_ended(run: Run) -> None:
    """Every seed is final, its line was written, and nothing is left over."""
    left = run.redis.snapshot()
    model = run.model
    assert all(seed.line is not None for seed in model.seeds.values())
    assert all(run.written.get(name) for name in model.seeds)
    kinds = {name.partition(":")[0] for name in left}
    assert kinds <= {"seeds", "pictures", "counts", "workers", "dead", "last", "seed", "ids",
                     "pic", "wanted", "rows"}  # fmt: skip
    incomplete = {name for name, seed in model.seeds.items() if seed.state not in COMPLETE}
    assert {name[5:] for name in left if name.startswith("seed:")} == incomplete
    if not incomplete:
        assert not any(name.startswith("pic:") for name in left)
