"""How mugs, lamps, chairs and bottles are drawn, back to front, in a square of side 1.

`a`, `b`, `c`, `d` are the four shape numbers of a design, each of 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

from pailitao_spider.sandbox.catalogue.brush import (
    Brush,
    blend,
    ellipse,
    mirrored,
    spline,
    trapezoid,
)
from pailitao_spider.sandbox.catalogue.designs import Design

__all__ = ["HOUSEHOLD"]

INK = (28, 26, 30)
STEEL = (188, 192, 198)
BRASS = (206, 164, 84)
WOOD = (176, 128, 84)
CREAM = (246, 240, 228)


def mug(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, foot = 0.17 + 0.07 * b, 0.12 + 0.1 * c
    top, bottom, x = 0.34 - 0.14 * a, 0.8, 0.44
    lip = half * 0.24
    brush.shadow(ellipse(x + 0.04, bottom + 0.025, half + 0.08, 0.035))
    _handle(brush, design, x + half, x + (half + foot) / 2 - 0.02, 0.1 + 0.1 * d)
    round_ = ((0, bottom + 0.022), (foot * 0.6, bottom + 0.016), (foot - 0.012, bottom - 0.008))
    base = spline(*round_, (foot + 0.01, bottom - 0.05), closed=False)
    brush.part(mirrored(*base, (half, top), x=x), depth=0.55)
    brush.part(ellipse(x, top, half, lip), blend(design.body, CREAM, 0.55), depth=0.1)
    hollow = blend(design.accent, INK, 0.35)
    brush.part(ellipse(x, top + 0.006, half - 0.016, lip - 0.012), hollow)
    brush.gleam(trapezoid(0.02, top + 0.1, 0.015, bottom - 0.1, x=x - min(half, foot) * 0.62))


def _handle(brush: Brush, design: Design, upper: float, lower: float, reach: float) -> None:
    middle = 0.57 - 0.07 * design.shape[0]
    loop = spline(
        (upper - 0.02, middle - 0.14),
        (upper + reach, middle - 0.13),
        (upper + reach + 0.02, middle + 0.06),
        (lower, middle + 0.16),
        closed=False,
    )
    brush.band(loop, 0.05, design.accent)


def lamp(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    brim, crown = 0.2 + 0.1 * a, 0.09 + 0.1 * b
    top, hem, floor = 0.13, 0.36 + 0.1 * c, 0.86
    brush.shadow(ellipse(0.52, floor + 0.005, 0.2, 0.025))
    brush.part(trapezoid(0.12, floor - 0.03, 0.14, floor), blend(design.accent, INK, 0.25))
    _lamp_stem(brush, design, hem, floor, 0.03 + 0.11 * d)
    cord = 0.5 + brim * 0.5
    brush.line([(cord, hem), (cord, hem + 0.1)], BRASS, 0.006)
    brush.part(ellipse(cord, hem + 0.105, 0.012, 0.012), BRASS)
    under = spline((0.5 + brim, hem), (0.5, hem + 0.035), (0.5 - brim, hem), closed=False)
    brush.part([(0.5 - crown, top), (0.5 + crown, top), *under], depth=0.4)
    brush.part(ellipse(0.5, top, crown, 0.014), blend(design.body, CREAM, 0.6))
    brush.gleam(ellipse(0.47, (top + hem) / 2 + 0.03, brim * 0.32, 0.09), 70)


def _lamp_stem(brush: Brush, design: Design, hem: float, floor: float, belly: float) -> None:
    bulge = (hem + floor) / 2 + 0.05
    side = ((0.025, hem - 0.02), (0.03, hem + 0.06), (belly, bulge), (0.05, floor - 0.03))
    brush.part(spline(*mirrored(*side)), design.accent, depth=0.6)
    brush.gleam(ellipse(0.5 - belly * 0.4, bulge - 0.02, belly * 0.18, 0.05), 110)


def chair(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, seat, top = 0.17 + 0.07 * a, 0.55, 0.2 - 0.1 * b
    splay, soft = 0.09 * c, 0.02 + 0.11 * d
    timber = blend(design.accent, WOOD, 0.35)
    shaded = blend(timber, INK, 0.35)
    brush.shadow(ellipse(0.5, 0.9, half + splay + 0.06, 0.03), strength=70)
    _legs(brush, (half * 0.8, seat - 0.05), (half * 0.8 + splay * 0.5, 0.84), 0.03, shaded)
    brush.part(trapezoid(half, top, half * 0.92, seat, soft), depth=0.25)
    slats = (-0.45, 0, 0.45) if d < 0.5 else ()
    for x in slats:
        brush.line([(0.5 + x * half, top + 0.05), (0.5 + x * half, seat - 0.08)], timber, 0.02)
    _legs(brush, (half + 0.01, seat + 0.06), (half + 0.02 + splay, 0.9), 0.036, timber)
    brush.part(trapezoid(half * 0.9, seat - 0.045, half + 0.045, seat + 0.07, 0.035), depth=0.25)
    brush.part(trapezoid(half + 0.045, seat + 0.06, half + 0.03, seat + 0.1), timber)
    brush.gleam(ellipse(0.5 - half * 0.4, top + 0.12, half * 0.3, 0.05), 50)


def _legs(
    brush: Brush,
    top: tuple[float, float],
    foot: tuple[float, float],
    width: float,
    colour: tuple[int, int, int],
) -> None:
    for side in (-1, 1):
        brush.band([(0.5 + side * top[0], top[1]), (0.5 + side * foot[0], foot[1])], width, colour)


def bottle(brush: Brush, design: Design) -> None:
    a, b, c, d = design.shape
    half, neck = 0.1 + 0.07 * a, 0.05 + 0.04 * b
    top, floor = 0.3 - 0.06 * c, 0.88
    shoulder = top + 0.08 + 0.09 * c
    brush.shadow(ellipse(0.53, floor, half + 0.07, 0.025))
    bend = spline((neck, top), (neck + 0.005, top + 0.03), (half, shoulder), closed=False)
    brush.part(mirrored(*bend, (half, floor - 0.08), (half - 0.02, floor)), depth=0.7)
    brush.part(trapezoid(neck + 0.01, top - 0.02, neck + 0.01, top + 0.02, 0.008), STEEL, 0.8)
    _cap(brush, design, top, neck + 0.012 + 0.02 * d)
    brush.part(trapezoid(half, floor - 0.05, half - 0.02, floor, 0.01), STEEL, 0.8)
    width = half * 0.11
    brush.gleam(trapezoid(width, shoulder + 0.04, width, floor - 0.1, x=0.5 - half * 0.61), 120)


def _cap(brush: Brush, design: Design, top: float, half: float) -> None:
    """A screw cap, with a carrying loop on every other family."""
    rise = top - 0.07 - 0.06 * design.shape[3]
    brush.part(trapezoid(half, rise - 0.02, half, top - 0.015), design.accent, 0.6)
    if design.shape[1] > 0.45:
        loop = mirrored((half - 0.02, rise), (half, rise - 0.07))
        brush.band(spline(*loop, closed=False), 0.022, blend(design.accent, INK, 0.2))


HOUSEHOLD: dict[str, Callable[[Brush, Design], None]] = {
    draw.__name__: draw for draw in (mug, lamp, chair, bottle)
}
