"""Example photos: other views of catalogue designs, as a buyer would take them."""

from __future__ import annotations

from pathlib import Path

from pailitao_spider.sandbox.catalogue.designs import KINDS, Design
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.market import Catalogue

__all__ = ["write_examples"]

EXAMPLE_VIEW = 7


def write_examples(folder: Path, count: int = 12, catalogue: Catalogue | None = None) -> list[Path]:
    """JPEG files named after their designs, such as `mug-07.jpg`; kinds in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = _varied((catalogue or Catalogue()).designs, count)
    return [_written(folder, design) for design in chosen]


def _varied(designs: tuple[Design, ...], count: int) -> list[Design]:
    """One of each kind, then a second of another family, and so on."""
    by_kind = {kind.name: [d for d in designs if d.kind == kind] for kind in KINDS}
    stride = 5  # past the four of a family
    rounds = [
        shelf[(turn * stride + column) % len(shelf)]
        for turn in range(max(map(len, by_kind.values())))
        for column, shelf in enumerate(by_kind.values())
    ]
    return list(dict.fromkeys(rounds))[:count]


def _written(folder: Path, design: Design) -> Path:
    path = folder / f"{design.name}.jpg"
    path.write_bytes(jpeg(design, EXAMPLE_VIEW))
    return path
