"""What a worker and the exchange script say to each other, typed and strictly decoded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import msgspec

from pailitao_spider.cluster.seed_codec import NoSeedError, read_payload
from pailitao_spider.crawl.paging import coverage
from pailitao_spider.results.records import LedgerLine, Status
from pailitao_spider.seeds.model import Seed, StoredImage

__all__ = [
    "Ack",
    "Admit",
    "Answer",
    "Burial",
    "GiveBack",
    "Hold",
    "Line",
    "Message",
    "PageOut",
    "Refusal",
    "decoded_answer",
    "encoded",
    "ledger_line",
]


class Hold(msgspec.Struct):
    """A page in this worker's hands, to be kept there. `id` is `<seed id>/<page>`."""

    id: str
    delivery: int


class Ack(msgspec.Struct):
    """A page that is through: its offers are on disk.

    Exactly one of `rows` (how many came), `gone` (why it never will) and `unneeded` says what
    became of it; `gone` counts from the owner of the `delivery` only. `answered` is the page's of
    `PageOut`, None the current one: what answers an earlier ask counts for its offers only.
    `gateway` is the one that gave it; the first page's gives the others as well. `ids` are the
    usable offers on it; `offers` those written, as bucket and member in turn
    (PAILITAO_DEDUP=crawl), `own` the same as text (seed, off).
    """

    seed: str
    page: int
    calls: int
    rows: int | None = None
    total: int | None = None
    page_count: int | None = None
    has_next: bool | None = None
    next_cursor: str | None = None
    gateway: str | None = None
    answered: int | None = None
    gone: str | None = None
    unneeded: bool = False
    delivery: int | None = None
    ids: list[str] = msgspec.field(default_factory=list)
    offers: list[str | int] = msgspec.field(default_factory=list)
    own: list[str] = msgspec.field(default_factory=list)


class GiveBack(msgspec.Struct):
    """A page put back under its own id, to be handed out after `delay` seconds."""

    id: str
    delivery: int
    failures: int = 0
    delay: float = 0.0


class Burial(msgspec.Struct):
    """A page that must not be handed out again."""

    id: str
    delivery: int
    why: str


class Admit(msgspec.Struct):
    """A seed of the intake that was read: `line` is its place among the raw lines sent along.

    `other` is the name to take when `seed` is another picture's; `bad` why it cannot be searched,
    and `pages` how many its line then says to have been expected.
    """

    line: int
    seed: str
    other: str
    digest: str
    payload: str
    sha: str | None = None
    bad: str | None = None
    pages: int = 1


class Refusal(msgspec.Struct):
    """A line of the intake that is no seed; `shown` is its beginning, as people may see it."""

    line: int
    why: str
    shown: str


class Message(msgspec.Struct):
    """One call. `number` grows by one with each call that is not a repetition of the last."""

    worker: str
    number: int
    says: str
    lease_seconds: float
    lease_ceil: int
    most_deliveries: int
    most_line_bytes: int
    dedup: str
    rows_for_each: bool
    page_size: int
    max_pages: int | None
    max_rows: int | None
    passes: int = 1
    holds: list[Hold] = msgspec.field(default_factory=list)
    acks: list[Ack] = msgspec.field(default_factory=list)
    given_back: list[GiveBack] = msgspec.field(default_factory=list)
    burials: list[Burial] = msgspec.field(default_factory=list)
    written: list[str] = msgspec.field(default_factory=list)
    admits: list[Admit] = msgspec.field(default_factory=list)
    refusals: list[Refusal] = msgspec.field(default_factory=list)
    want: int = 0
    want_seeds: int = 0
    want_lines: int = 0
    is_empty_handed: bool = False


class PageOut(msgspec.Struct):
    """A page to fetch. `size` is the learnt page size, `last` the last page that holds anything."""

    seed: str
    page: int
    delivery: int
    payload: str
    failures: int = 0
    answered: int = 0
    """How many answers to this page there were: with any, it is asked for once more."""
    cursor: str | None = None
    size: int | None = None
    last: int | None = None
    gateway: str | None = None
    """The one that gave the first page; None for that one."""


class Line(msgspec.Struct):
    """A seed that is final and whose ledger line is to be written. Times are unix seconds."""

    seed: str
    status: str
    payload: str
    expected: int = 0
    fetched: int = 0
    rows: int = 0
    seen: int = 0
    """Distinct offers."""
    most: int | None = None
    """The least that the gateway says it can return."""
    offers: int = 0
    calls: int = 0
    reason: str | None = None
    total: int | None = None
    started: float | None = None
    ended: float | None = None


class Answer(msgspec.Struct):
    """What comes back. `alone` says that its one page must be the only one in hand."""

    pages: list[PageOut]
    lines: list[Line]
    lost: list[str]
    buried: list[str]
    alone: bool
    reclaimed: int
    waiting: int
    ready: int
    leased: int
    suspects: int
    unwritten: int
    workers: int
    now: float
    is_known: bool
    """The run has or had seeds."""

    @property
    def is_run_empty(self) -> bool:
        """Nothing waits, nothing is in anybody's hands, every line is written."""
        return not (self.waiting + self.ready + self.leased + self.suspects + self.unwritten)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Answer, strict=False)


def encoded(message: Message) -> bytes:
    return _ENCODER.encode(message)


def decoded_answer(raw: bytes) -> Answer:
    """Raises msgspec.ValidationError for an answer of another script."""
    return _DECODER.decode(raw)


def ledger_line(line: Line) -> LedgerLine:
    """The same line for whoever writes it."""
    seed = _seed(line)
    image = None if seed is None else seed.image
    return LedgerLine(
        seed_id=line.seed,
        image="" if image is None else image.label,
        status=cast("Status", line.status),
        reason=line.reason,
        pages_expected=line.expected,
        pages_fetched=line.fetched,
        rows_seen=line.rows,
        offers_seen=line.seen,
        offers_expected=line.most,
        coverage=coverage(line.seen, line.most),
        offers_new=line.offers,
        total_reported=line.total,
        calls=line.calls,
        started_at=_text(line.started),
        finished_at=_text(line.ended),
        seed_extra={} if seed is None else seed.extra,
        image_sha256=image.sha256 if isinstance(image, StoredImage) else None,
    )


def _seed(line: Line) -> Seed | None:
    try:
        return read_payload(line.seed, line.payload).seed
    except NoSeedError:
        return None


def _text(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
