"""What a photo looks like, as numbers: silhouette, colours, colours by place, edges.

The ground is estimated from the picture's border, so the product may stand on any plain one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

__all__ = ["TILTS", "Array", "describe", "resemblance", "unclear"]

Array = NDArray[np.floating[Any]]

SIDE = 96
LEAST_SIDE = 12
CELLS = 6
TILTS = (-9, -4.5, 0, 4.5, 9)
# RMS of a border's colours around their plane, of 255: 4 at most in the sandbox's photos, 14 at
# least where shapes of all colours lie behind a product.
MOST_UNEVEN = 12
# What tells two designs of one shape apart is mostly colour, by place.
WEIGHTS = {"silhouette": 0.2, "hues": 0.3, "places": 0.35, "edges": 0.15}


def describe(photo: Image.Image, tilts: Sequence[float] = (0,)) -> Array:
    """One row of unit length for each tilt by which the product is turned upright."""
    picture = _small(photo.convert("RGB"))
    cut = Image.merge("RGBA", [*picture.split(), _product_mask(picture)])
    return np.stack([_row(cut.rotate(-tilt, Image.Resampling.BILINEAR)) for tilt in tilts])


def unclear(photo: Image.Image) -> str | None:
    """Why no product can be told from its ground: `busy_ground`, `no_product`; None if it can."""
    picture = _small(photo.convert("RGB"))
    pixels = np.asarray(picture, dtype=np.float32)
    away = (pixels - _ground(pixels))[_border(pixels)]
    if float(np.sqrt((away**2).mean())) > MOST_UNEVEN:
        return "busy_ground"
    return None if _product_mask(picture).getbbox() else "no_product"


def resemblance(rows: Array, references: Array) -> Array:
    """0 to 1 for each reference: the best of the photo's tilts."""
    best: Array = np.clip((rows @ references.T).max(axis=0), 0, 1)
    return best


def _small(photo: Image.Image) -> Image.Image:
    """At most SIDE a side, with its own proportions."""
    scale = SIDE / max(photo.size)
    width, height = (max(round(side * scale), LEAST_SIDE) for side in photo.size)
    return photo.resize((width, height), Image.Resampling.BOX)


def _product_mask(picture: Image.Image) -> Image.Image:
    """White where the picture leaves the plane that fits its border's colours."""
    pixels = np.asarray(picture, dtype=np.float32)
    away = np.abs(pixels - _ground(pixels))
    chroma = away.max(axis=2) - away.min(axis=2)
    strength = away.mean(axis=2) * 0.6 + chroma * 1.2
    mask = np.where(strength > 17, 255, 0).astype(np.uint8)
    return Image.fromarray(mask).filter(ImageFilter.MedianFilter(3))


def _border(pixels: Array) -> NDArray[np.bool_]:
    border = np.ones(pixels.shape[:2], bool)
    border[3:-3, 3:-3] = False
    return border


def _ground(pixels: Array) -> Array:
    """A plane through the border, colour by colour."""
    height, width = pixels.shape[:2]
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    v, u = v / height - 0.5, u / width - 0.5
    plane = np.stack([np.ones_like(u), u, v, v * v], axis=-1)
    border = _border(pixels)
    fit = np.linalg.lstsq(plane[border], pixels[border], rcond=None)[0]
    return np.asarray(plane @ fit, dtype=np.float32)


def _row(cut: Image.Image) -> Array:
    box = cut.getchannel("A").point(lambda a: 255 if a > 127 else 0).getbbox()
    framed = _framed(cut.crop(box) if box else cut)
    mask = np.asarray(framed.getchannel("A"), dtype=np.float32) / 255
    rgb = np.asarray(framed.convert("RGB"), dtype=np.float32) / 255
    hsv = np.asarray(framed.convert("RGB").convert("HSV"), dtype=np.float32) / 255
    parts = [
        WEIGHTS[name] ** 0.5 * _unit(measure(mask, rgb, hsv)) for name, measure in MEASURES.items()
    ]
    return np.concatenate(parts)


def _framed(cut: Image.Image) -> Image.Image:
    """The product at one height and width, but with its own proportions."""
    scale = 48 / max(cut.size)
    size = (max(round(cut.width * scale), 1), max(round(cut.height * scale), 1))
    frame = Image.new("RGBA", (48, 48))
    frame.paste(cut.resize(size, Image.Resampling.BOX), ((48 - size[0]) // 2, (48 - size[1]) // 2))
    return frame


def _silhouette(mask: Array, rgb: Array, hsv: Array) -> Array:
    return _pooled(mask, 16).ravel() - 0.35


def _hues(mask: Array, rgb: Array, hsv: Array) -> Array:
    """Shares of 18 hues by 2 saturations, and of 5 greys."""
    hue, saturation, value = (hsv[..., i][mask > 0.6] for i in range(3))
    coloured = saturation > 0.22
    shade = 18 * (saturation[coloured] > 0.55)
    bins = np.concatenate([
        (hue[coloured] * 18).astype(int) % 18 + shade,
        36 + (value[~coloured] * 4.99).astype(int),
    ])  # fmt: skip
    counts = np.bincount(bins, minlength=41).astype(np.float32)
    return np.asarray(np.sqrt(_blurred(counts) / max(float(counts.sum()), 1)))


def _blurred(counts: Array) -> Array:
    """Neighbouring hues share, so that a warmer lamp does not move a colour out of reach."""
    out = counts.copy()
    for start, stop in ((0, 18), (18, 36)):
        ring = counts[start:stop]
        out[start:stop] = 0.6 * ring + 0.2 * np.roll(ring, 1) + 0.2 * np.roll(ring, -1)
    return out


def _places(mask: Array, rgb: Array, hsv: Array) -> Array:
    """Mean colour of each cell against the product's mean brightness."""
    weight = _pooled(mask, CELLS)[..., None]
    colour = _pooled(rgb * mask[..., None], CELLS) / np.maximum(weight, 0.05)
    brightness = float((rgb * mask[..., None]).sum() / max(3 * mask.sum(), 1))
    opponent = np.stack([
        colour[..., 0] - colour[..., 1],
        (colour[..., 0] + colour[..., 1]) / 2 - colour[..., 2],
        (colour.mean(axis=-1) - brightness) * 0.8,
    ], axis=-1)  # fmt: skip
    return np.asarray((opponent * np.sqrt(weight)).ravel(), dtype=np.float32)


def _edges(mask: Array, rgb: Array, hsv: Array) -> Array:
    """Histograms of 8 edge directions in each cell (HOG)."""
    grey = rgb.mean(axis=-1) * mask
    dy, dx = np.gradient(grey)
    direction = (np.arctan2(dy, dx) / np.pi * 8).astype(int) % 8
    strength = np.hypot(dx, dy)
    cells = [_pooled(np.where(direction == d, strength, 0), CELLS) for d in range(8)]
    return np.sqrt(np.stack(cells)).ravel()


def _pooled(values: Array, cells: int) -> Array:
    step = values.shape[0] // cells
    shape = (cells, step, cells, step, *values.shape[2:])
    return np.asarray(values.reshape(shape).mean(axis=(1, 3)), dtype=np.float32)


def _unit(values: Array) -> Array:
    return values / max(float(np.linalg.norm(values)), 1e-6)


MEASURES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "silhouette": _silhouette,
    "hues": _hues,
    "places": _places,
    "edges": _edges,
}
