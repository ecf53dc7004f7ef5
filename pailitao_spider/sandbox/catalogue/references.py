"""What each design of the catalogue looks like: a view of it as a row of numbers.

To draw and measure 96 designs takes a second of work, so the usual catalogue's rows are kept in
`references.npy`. `python -m pailitao_spider.sandbox.catalogue.references` makes that file anew;
it must be run when a design, its drawing or its description changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np

from pailitao_spider.pictures.visual_descriptor import Array, describe
from pailitao_spider.sandbox.catalogue.designs import Design, draw_up
from pailitao_spider.sandbox.catalogue.drawing import photo

__all__ = ["drawn", "kept", "references_of"]

USUAL_SEED, USUAL_DESIGNS = 1688, 96
PIXELS = 128
_FILE = files("pailitao_spider.sandbox.catalogue") / "references.npy"


def references_of(seed: int, designs: Sequence[Design]) -> Array:
    """One row of unit length for each design: read for the usual catalogue, drawn for others."""
    usual = seed == USUAL_SEED and len(designs) == USUAL_DESIGNS
    return kept() if usual else drawn(designs)


def kept() -> Array:
    """The rows of the file, 96 × 693 float32."""
    with as_file(_FILE) as path:
        rows: Array = np.load(path, allow_pickle=False)
    return rows


def drawn(designs: Sequence[Design]) -> Array:
    """The same rows by drawing: some 10 ms of work for each design."""
    return np.concatenate([describe(photo(design, pixels=PIXELS)) for design in designs])


if __name__ == "__main__":
    with as_file(_FILE) as path:
        np.save(path, drawn(draw_up(USUAL_SEED, USUAL_DESIGNS)).astype(np.float32))
