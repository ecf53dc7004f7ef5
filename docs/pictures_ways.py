"""The two pictures in docs/how-it-works.md: the way of a seed on one machine, and in a cluster.

python docs/pictures_ways.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

__all__ = ["CLUSTER", "SINGLE", "Step", "Turn", "Way", "main"]

PICTURES = Path(__file__).parent / "pictures"
LANE, LEFT, TOP = 236, 30, 86
BOX, HIGH, ROW = 204, 58, 92
TURN = 26
INK, PAPER, LINE, ROOM = "#1f2328", "#ffffff", "#8c959f", "#0a5a8a"
FILLS = ("#ddf4ff", "#fff8c5", "#dafbe1", "#f6e9ff")


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next, in which lane, and the room of the package that does it."""

    lane: int
    text: str
    room: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """From one step back to an earlier one, and when; `track` is its place at the right edge."""

    start: int
    end: int
    text: str
    track: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """One picture."""

    title: str
    lanes: Sequence[str]
    steps: Sequence[Step]
    turns: Sequence[Turn]


SINGLE = Way(
    "One machine: a photo becomes lines in a feed and one line in the ledger",
    ("crawl", "key and wire", "gateway", "disk"),
    (
        Step(3, "the list or the folder: next seed, its picture known by its bytes", "seeds/"),
        Step(0, "ended before, or its picture under way? else a search begins", "crawl/ results/"),
        Step(0, "a clean request for one page: no key, no token, no signature", "crawl/"),
        Step(1, "wait for a key: quota left? its rate? a valid token?", "keys/ middlewares/"),
        Step(1, "picture uploaded where that is wanted; signed", "gateways/ download_handler"),
        Step(2, "answers: a page, a refusal, or noise"),
        Step(1, "page or refusal? rate and budget hear of it", "gateways/ middlewares/"),
        Step(0, "rows to offers; item pipelines: validate, drop duplicates", "offers/ pipelines"),
        Step(3, "offers are written to the feeds", "exporters/"),
        Step(0, "the page is settled: are further pages worth a call?", "crawl/ middlewares/"),
        Step(3, "feeds on disk (fsync), and only then the seed's line in the ledger", "results/"),
    ),
    (
        Turn(6, 3, "refused: later, by another key, with a new token"),
        Turn(9, 2, "a further page", 1),
        Turn(10, 0, "the next seed; others are under way", 2),
    ),
)  # fmt: skip

CLUSTER = Way(
    "A cluster: nothing leaves Redis before its consequence is on a disk",
    ("Redis", "one worker of many", "gateway", "disk of the worker"),
    (
        Step(0, "push: seeds and pictures wait in the run's intake", "cluster/admin/"),
        Step(0, "one script call: seeds taken in, pages leased", "cluster/lua/ worker/"),
        Step(1, "leased pages become clean requests, as on one machine", "cluster/worker/ crawl/"),
        Step(0, "shared rate, token, budget, uploads of the key", "cluster/shared/"),
        Step(1, "signed and sent by the same middlewares", "middlewares/ gateways/"),
        Step(2, "answers"),
        Step(1, "read, validated; one question a page: known offers?", "pipelines cluster/shared/"),
        Step(3, "feed of this worker's own, fsync before each exchange", "exporters/ results/"),
        Step(0, "page acknowledged, further pages queued; the seed may end", "cluster/lua/"),
        Step(3, "the seed's ledger line, fsync", "results/"),
        Step(0, "line written: the seed leaves. Afterwards: merge", "cluster/lua/ results/"),
    ),
    (
        Turn(6, 2, "refused: tried again while the lease is held"),
        Turn(8, 1, "the next exchange, every few pages", 1),
    ),
)  # fmt: skip


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for name, way in (("way-single", SINGLE), ("way-cluster", CLUSTER)):
        (PICTURES / f"{name}.svg").write_text(drawn(way), encoding="utf-8")


def drawn(way: Way) -> str:
    """The picture as SVG."""
    wide = LEFT + LANE * len(way.lanes) + TURN * (len(way.turns) + 1)
    high = TOP + ROW * len(way.steps) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(way.title)}</title>",
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>',
        text(LEFT, 28, way.title, size=16, weight="bold"),
        *_lanes(way, high),
        *_arrows(way.steps),
        *(each for turn in way.turns for each in _turn(way, turn)),
        *(each for at, step in enumerate(way.steps) for each in _box(at, step)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lanes(way: Way, high: int) -> Iterator[str]:
    for at, name in enumerate(way.lanes):
        x = _middle(at)
        yield text(x, 62, name, anchor="middle", weight="bold", color=LINE)
        yield (
            f'<line x1="{x}" y1="72" x2="{x}" y2="{high - 8}" stroke="{LINE}" '
            'stroke-dasharray="2 6" stroke-opacity=".6"/>'
        )


def _box(at: int, step: Step) -> Iterator[str]:
    x, y = _middle(step.lane) - BOX // 2, TOP + ROW * at
    yield (
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HIGH}" rx="7" '
        f'fill="{FILLS[step.lane]}" stroke="{LINE}"/>'
    )
    lines = _broken(step.text, 28)
    start = y + (HIGH - 16 * len(lines)) // 2 + 12
    for number, line in enumerate(lines):
        yield text(x + BOX // 2, start + 16 * number, line, anchor="middle", size=12)
    if step.room:
        yield text(x + BOX // 2, y + HIGH + 14, step.room, anchor="middle", size=11, color=ROOM)


def _arrows(steps: Sequence[Step]) -> Iterator[str]:
    for at, (step, after) in enumerate(pairwise(steps)):
        x1, y1 = _middle(step.lane), TOP + ROW * at + HIGH
        x2, y2 = _middle(after.lane), TOP + ROW * (at + 1)
        side = (x2 > x1) - (x2 < x1)
        if side:  # from the side of a box, above the name of its room
            x1, y1 = x1 + side * BOX // 2, y1 - HIGH // 2
            way = f"M{x1} {y1}C{x2} {y1} {x2} {y1} {x2} {y2}"
        else:
            way = f"M{x1} {y1 + 18}V{y2}"
        yield _path(way)


def _turn(way: Way, turn: Turn) -> Iterator[str]:
    right = LEFT + LANE * len(way.lanes) + TURN * turn.track + 4
    y1 = TOP + ROW * turn.start + HIGH - 12
    y2 = TOP + ROW * turn.end + 14
    x1 = _middle(way.steps[turn.start].lane) + BOX // 2
    x2 = _middle(way.steps[turn.end].lane) + BOX // 2
    yield _path(
        f"M{x1} {y1}H{right - 8}Q{right} {y1} {right} {y1 - 8}"
        f"V{y2 + 8}Q{right} {y2} {right - 8} {y2}H{x2}"
    )
    x, y = right + 13, (y1 + y2) // 2
    label = text(x, y, turn.text, anchor="middle", size=12, color=INK)
    yield f'<g transform="rotate(90 {x - 4} {y})">{label}</g>'


def _path(way: str) -> str:
    return (
        f'<path d="{way}" fill="none" stroke="{LINE}" stroke-width="1.5" marker-end="url(#tip)"/>'
    )


def _middle(lane: int) -> int:
    return LEFT + LANE * lane + BOX // 2


def _broken(words: str, most: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def text(
    x: int, y: int, words: str, *, anchor: str = "start", size: int = 13,
    weight: str = "normal", color: str = INK,
) -> str:  # fmt: skip
    """One line of text."""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{color}">{escape(words)}</text>'
    )


if __name__ == "__main__":
    main()
