"""A brush over a transparent layer: outlines in unit coordinates, patterned paint, soft light."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

__all__ = ["Brush", "Outline", "blend", "ellipse", "mirrored", "polygon", "spline", "trapezoid"]

RGB = tuple[int, int, int]
Outline = list[tuple[float, float]]
Pixels = NDArray[np.floating[Any]]


def ellipse(x: float, y: float, rx: float, ry: float) -> Outline:
    steps = [2 * math.pi * i / 48 for i in range(48)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in steps]


def polygon(*corners: tuple[float, float], radius: float = 0.02) -> Outline:
    """A polygon whose corners are rounded off."""
    outline: Outline = []
    for i, (x, y) in enumerate(corners):
        before, after = corners[i - 1], corners[(i + 1) % len(corners)]
        start, end = _towards((x, y), before, radius), _towards((x, y), after, radius)
        outline += [_bezier(start, (x, y), end, t / 6) for t in range(7)]
    return outline


def mirrored(*right: tuple[float, float], x: float = 0.5) -> Outline:
    """Points given by their distance right of an axis, then their images left of it."""
    left = [(x - dx, y) for dx, y in reversed(right) if dx]
    return [(x + dx, y) for dx, y in right] + left


def trapezoid(
    top_half: float,
    top: float,
    foot_half: float,
    bottom: float,
    radius: float = 0.02,
    x: float = 0.5,
) -> Outline:
    return polygon(*mirrored((top_half, top), (foot_half, bottom), x=x), radius=radius)


def spline(*points: tuple[float, float], closed: bool = True) -> Outline:
    """A Catmull-Rom curve through the points."""
    n = len(points)
    spans = range(n if closed else n - 1)
    outline: Outline = []
    for i in spans:
        around = [i - 1, i, i + 1, i + 2]
        four = [points[j % n] if closed else points[min(max(j, 0), n - 1)] for j in around]
        outline += [_catmull(four, t / 8) for t in range(8)]
    return outline if closed else [*outline, points[-1]]


def blend(colour: RGB, other: RGB, share: float) -> RGB:
    r, g, b = (round(a + (c - a) * share) for a, c in zip(colour, other, strict=True))
    return r, g, b


class Brush:
    """Paints parts back to front. `pixels` is the side of the square layer."""

    def __init__(self, pixels: int, body: RGB, accent: RGB, pattern: str) -> None:
        self.layer = Image.new("RGBA", (pixels, pixels))
        self._pixels = pixels
        self._cloth = _cloth(pixels, body, accent, pattern)

    def shadow(self, outline: Outline, blur: float = 0.02, strength: int = 90) -> None:
        """The first stroke of all: what the product throws on its ground."""
        mask = Image.new("L", self.layer.size)
        ImageDraw.Draw(mask).polygon(self._scaled(outline), fill=strength)
        soft = mask.filter(ImageFilter.GaussianBlur(blur * self._pixels))
        self.layer.paste((44, 40, 44, 255), mask=soft)
        self.layer.putalpha(soft)

    def part(self, outline: Outline, colour: RGB | None = None, depth: float = 0.35) -> None:
        """Fill an outline, with the design's cloth where no colour is given."""
        mask = Image.new("L", self.layer.size)
        ImageDraw.Draw(mask).polygon(self._scaled(outline), fill=255)
        self._paint(mask, colour, depth)
        self._edge([*outline, outline[0]], colour)

    def band(
        self, path: Outline, width: float, colour: RGB | None = None, depth: float = 0.25
    ) -> None:
        """A stroke of one width along a path: handles, straps, legs."""
        mask = Image.new("L", self.layer.size)
        thick = max(round(width * self._pixels), 1)
        points = self._scaled(path)
        pen = ImageDraw.Draw(mask)
        pen.line(points, fill=255, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
        self._paint(mask, colour, depth)

    def line(self, path: Sequence[tuple[float, float]], colour: RGB, width: float = 0.006) -> None:
        thick = max(round(width * self._pixels), 1)
        ImageDraw.Draw(self.layer).line(
            self._scaled(path), fill=(*colour, 255), width=thick, joint="curve"
        )

    def gleam(self, outline: Outline, strength: int = 90) -> None:
        """A soft white highlight."""
        mask = Image.new("L", self.layer.size)
        ImageDraw.Draw(mask).polygon(self._scaled(outline), fill=strength)
        soft = mask.filter(ImageFilter.GaussianBlur(0.008 * self._pixels))
        self.layer.paste((255, 255, 255, 255), mask=soft)

    def _paint(self, mask: Image.Image, colour: RGB | None, depth: float) -> None:
        box = mask.getbbox()
        if box is None:
            return
        left, top, right, bottom = box
        light = _light(right - left, bottom - top, depth)
        flat = (
            self._cloth[top:bottom, left:right] if colour is None else np.array(colour, np.float32)
        )
        lit = np.clip(light[..., None] * flat, 0, 255).astype(np.uint8)
        self.layer.paste(Image.fromarray(lit), (left, top), mask.crop(box))

    def _edge(self, outline: Outline, colour: RGB | None) -> None:
        tone = colour or tuple(self._cloth.mean(axis=(0, 1)).astype(int).tolist())
        self.line(outline, blend(tone, (24, 22, 26), 0.45))

    def _scaled(self, path: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * self._pixels, y * self._pixels) for x, y in path]


def _light(width: int, height: int, depth: float) -> Pixels:
    """Light from the upper left: brightest a third in, falling off to the right edge."""
    across = np.linspace(0, 1, width, dtype=np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    round_ = 1.08 - depth * np.abs(across - 0.32) ** 1.6
    return np.asarray(round_ * (1.02 - 0.12 * down), dtype=np.float32)


def _cloth(pixels: int, body: RGB, accent: RGB, pattern: str) -> Pixels:
    v, u = np.mgrid[0:pixels, 0:pixels].astype(np.float32) / pixels
    where = _figure(pattern, u, v)[..., None]
    return np.where(where, np.array(accent, np.float32), np.array(body, np.float32))


def _figure(pattern: str, u: Pixels, v: Pixels) -> NDArray[np.bool_]:
    """Where the accent colour shows."""
    figures: dict[str, Callable[[], NDArray[np.bool_]]] = {
        "plain": lambda: np.zeros(u.shape, bool),
        "stripes": lambda: (v * 11) % 1 < 0.4,
        "bars": lambda: (u * 13) % 1 < 0.4,
        "diagonal": lambda: ((u + v) * 9) % 1 < 0.4,
        "dots": lambda: _dots(u * 11, v * 11),
        "checks": lambda: ((u * 9) % 1 < 0.5) ^ ((v * 9) % 1 < 0.5),
        "waves": lambda: (v * 9 + 0.35 * np.sin(u * 42)) % 1 < 0.4,
        "band": lambda: np.abs(v - 0.58) < 0.09,
    }
    return figures[pattern]()


def _dots(u: Pixels, v: Pixels) -> NDArray[np.bool_]:
    u = u + 0.5 * (np.floor(v) % 2)
    return np.asarray((u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2 < 0.09)


def _towards(
    corner: tuple[float, float], other: tuple[float, float], step: float
) -> tuple[float, float]:
    length = math.dist(corner, other) or 1
    share = min(step / length, 0.5)
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _bezier(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], t: float
) -> tuple[float, float]:
    p, q, r = (1 - t) ** 2, 2 * t * (1 - t), t * t
    return p * a[0] + q * b[0] + r * c[0], p * a[1] + q * b[1] + r * c[1]


def _catmull(four: Sequence[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (t**3 - t**2) / 2,
    )
    x = sum(w * p[0] for w, p in zip(weights, four, strict=True))
    y = sum(w * p[1] for w, p in zip(weights, four, strict=True))
    return x, y
