"""How sneakers, handbags, T-shirts and backpacks are drawn, back to front, in a square of side 1.

`a`, `b`, `c`, `d` are the four shape numbers of a design, each of 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

from pailitao_spider.sandbox.catalogue.brush import (
    Brush,
    blend,
    ellipse,
    mirrored,
    polygon,
    spline,
    trapezoid,
)
from pailitao_spider.sandbox.catalogue.designs import Design

__all__ = ["WEARABLES"]

INK = (28, 26, 30)
BRASS = (206, 164, 84)
CREAM = (246, 240, 228)


def sneaker(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    collar, welt = 0.44 - 0.2 * a, 0.665 - 0.06 * b
    toe, heel, floor = welt - 0.11 + 0.03 * c, 0.1 - 0.03 * d, 0.72
    brush.shadow(ellipse(0.5, floor + 0.012, 0.4, 0.03))
    sole = ((heel, welt - 0.03), (0.55, welt + 0.01), (0.92, welt - 0.015), (0.9, floor))
    brush.part(polygon(*sole, (0.12, floor), radius=0.03), CREAM, depth=0.12)
    brush.line([(0.12, floor - 0.014), (0.9, floor - 0.014)], design.accent, 0.022)
    back = ((0.12, welt - 0.01), (0.11, welt - 0.1), (0.1, collar + 0.02), (0.2, collar + 0.045))
    tongue = ((0.33, collar + 0.04), (0.4, collar), (0.47, (collar + toe) / 2 - 0.03))
    front = ((0.6, toe - 0.03), (0.78, toe), (0.9, welt - 0.05), (0.89, welt), (0.5, welt + 0.01))
    brush.part(spline(*back, *tongue, *front), depth=0.3)
    cap = ((0.75, welt), (0.76, toe + 0.03), (0.84, toe + 0.03), (0.9, welt - 0.04), (0.895, welt))
    brush.part(spline(*cap), design.accent)
    counter = ((0.115, welt - 0.02), (0.1, welt - 0.1), (0.18, welt - 0.1), (0.22, welt - 0.02))
    brush.part(spline(*counter), design.accent)
    brush.part(ellipse(0.25, collar + 0.045, 0.12, 0.022), blend(design.body, INK, 0.6))
    _laces(brush, collar + 0.07, toe - collar - 0.03)
    brush.gleam(
        spline((0.28, welt - 0.04), (0.42, welt - 0.09), (0.58, welt - 0.06), (0.42, welt - 0.05)),
        60,
    )


def _laces(brush: Brush, top: float, fall: float) -> None:
    for step in range(4):
        x, y = 0.42 + 0.055 * step, top + fall * (0.14 + 0.24 * step)
        brush.line([(x - 0.045, y + 0.035), (x + 0.03, y - 0.015)], CREAM, 0.017)


def handbag(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, flare = 0.25 + 0.1 * a, 0.07 * b
    top, bottom = 0.5 - 0.09 * c, 0.83
    rise, fold = 0.17 + 0.15 * d, top + 0.13 + 0.08 * b
    brush.shadow(ellipse(0.5, bottom + 0.01, half + flare + 0.04, 0.03))
    grip = mirrored((half * 0.6, top + 0.05), (half * 0.52, top - rise * 0.75), (0, top - rise))
    brush.band(spline(*grip, closed=False), 0.036, blend(design.accent, INK, 0.15))
    brush.part(trapezoid(half, top, half + flare, bottom, 0.06), depth=0.3)
    flap = ((half * 0.5, top - 0.006), (half, top), (half * 0.92, fold - 0.06), (0, fold + 0.02))
    brush.part(spline(*mirrored(*flap)), design.accent, depth=0.25)
    brush.part(trapezoid(0.04, fold - 0.02, 0.04, fold + 0.05), BRASS)
    for side in (-1, 1):
        brush.part(ellipse(0.5 + side * half * 0.6, top + 0.05, 0.02, 0.02), BRASS)
    seam = half + flare - 0.03
    brush.line([(0.5 - seam, bottom - 0.03), (0.5 + seam, bottom - 0.03)], CREAM, 0.005)


def tshirt(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, hem = 0.18 + 0.06 * a, 0.8 + 0.06 * b
    cuff, drop = 0.33 + 0.07 * c, 0.44 + 0.22 * c
    sleeve = ((half + 0.04, 0.22), (cuff + 0.04, drop - 0.06), (cuff - 0.06, drop))
    outline = polygon(*mirrored((0.09, 0.17), *sleeve, (half, 0.42), (half, hem)), radius=0.018)
    brush.shadow([(x + 0.012, y + 0.016) for x, y in outline], strength=110)
    brush.part(outline, depth=0.16)
    _neck(brush, design, 0.05 + 0.11 * d)
    for side in (-1, 1):
        end = [
            (0.5 + side * (cuff + 0.032), drop - 0.06),
            (0.5 + side * (cuff - 0.056), drop - 0.008),
        ]
        brush.band(end, 0.02, design.accent)
        _folds(brush, design, side * half, hem)


def _neck(brush: Brush, design: Design, dip: float) -> None:
    low = 0.17 + dip
    neck = spline(*mirrored((0.09, 0.168), (0.05, low - dip * 0.2), (0, low)), closed=False)
    brush.part([*neck, (0.5, 0.185)], blend(design.body, INK, 0.5), depth=0.1)
    brush.band(neck, 0.022, design.accent)


def _folds(brush: Brush, design: Design, half: float, hem: float) -> None:
    seam = [(0.5 + half, 0.42), (0.5 + half * 0.9, 0.3), (0.5 + half * 1.05, 0.235)]
    brush.line(seam, blend(design.body, INK, 0.4), 0.005)
    crease = [(0.5 + half * 0.6, hem - 0.02), (0.5 + half * 0.5, hem - 0.18)]
    brush.line(crease, blend(design.body, INK, 0.25), 0.005)


def backpack(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, top, floor = 0.2 + 0.07 * a, 0.26 - 0.08 * b, 0.86
    arch = top + 0.05 + 0.12 * c
    brush.shadow(ellipse(0.5, floor + 0.005, half + 0.1, 0.03))
    _straps(brush, design, half, top, floor)
    crown = ((0, top), (half * 0.75, top + 0.02), (half, arch + 0.06), (half, 0.6))
    brush.part(spline(*mirrored(*crown, (half, floor - 0.05), (half * 0.85, floor))), depth=0.35)
    zipper = mirrored((half * 0.85, arch + 0.2), (half * 0.7, top + 0.09), (0, top + 0.06))
    brush.line(spline(*zipper, closed=False), blend(design.body, INK, 0.6), 0.012)
    _pocket(brush, design, half * (0.62 + 0.2 * d), 0.64 - 0.08 * d, floor)


def _straps(brush: Brush, design: Design, half: float, top: float, floor: float) -> None:
    strap = blend(design.accent, INK, 0.3)
    for side in (-1, 1):
        out = 0.5 + side * (half + 0.065)
        ends = (0.5 + side * half * 0.6, top + 0.05), (0.5 + side * half * 0.9, floor - 0.05)
        sling = spline(ends[0], (out, top + 0.2), (out, floor - 0.2), ends[1], closed=False)
        brush.band(sling, 0.045, strap)
    grip = mirrored((0.06, top + 0.03), (0.05, top - 0.055))
    brush.band(spline(*grip, closed=False), 0.026, strap)


def _pocket(brush: Brush, design: Design, half: float, top: float, floor: float) -> None:
    brush.part(trapezoid(half, top, half, floor - 0.03, 0.05), design.accent, depth=0.25)
    brush.line([(0.53 - half, top + 0.045), (0.47 + half, top + 0.045)], INK, 0.01)
    brush.part(ellipse(0.45 + half, top + 0.055, 0.012, 0.02), BRASS)
    brush.part(trapezoid(0.04, top - 0.09, 0.04, top - 0.04), CREAM)


WEARABLES: dict[str, Callable[[Brush, Design], None]] = {
    draw.__name__: draw for draw in (sneaker, handbag, tshirt, backpack)
}
