"""A photo of a design: the product drawn, tilted, placed, lit and a little out of focus."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from pailitao_spider.sandbox.catalogue.brush import Brush
from pailitao_spider.sandbox.catalogue.designs import RGB, Design
from pailitao_spider.sandbox.catalogue.household import HOUSEHOLD
from pailitao_spider.sandbox.catalogue.wearables import WEARABLES

__all__ = ["REFERENCE", "View", "jpeg", "photo", "view"]

PRODUCTS = HOUSEHOLD | WEARABLES
GROUNDS: tuple[RGB, ...] = (
    (250, 250, 248),
    (232, 236, 240),
    (244, 236, 224),
    (224, 236, 228),
    (236, 226, 234),
    (214, 224, 236),
)


@dataclass(frozen=True)
class View:
    """How a photo was taken: tilt in degrees, size and offset as shares of the picture's side."""

    tilt: float = 0
    size: float = 0.94
    right: float = 0
    down: float = 0
    above: RGB = (252, 252, 252)
    below: RGB = (240, 240, 240)
    light: tuple[float, float, float] = (1, 1, 1)
    slant: float = 0
    blur: float = 0
    quality: int = 90


REFERENCE = View()


def view(design: Design, number: int) -> View:
    """View 0 is the shop's own picture; every other number is another buyer's photo."""
    if number == 0:
        return REFERENCE
    rng = random.Random(f"view {design.name} {number}")
    size = rng.uniform(0.72, 0.98)
    room = (1 - size) / 2 + 0.03
    ground = rng.choice(GROUNDS)
    brightness, warmth = rng.uniform(0.88, 1.06), rng.uniform(-0.04, 0.04)
    return View(
        tilt=rng.uniform(-12, 12),
        size=size,
        right=rng.uniform(-room, room),
        down=rng.uniform(-room, room),
        above=ground,
        below=_darker(ground, rng.uniform(0.84, 0.97)),
        light=(brightness + warmth, brightness, brightness - warmth),
        slant=rng.uniform(-0.08, 0.08),
        blur=rng.uniform(0, 1.0),
        quality=rng.randint(62, 88),
    )


def photo(design: Design, shot: View = REFERENCE, pixels: int = 400) -> Image.Image:
    """An RGB picture of `pixels` a side, before JPEG."""
    product = _product(design, 2 * pixels)
    if shot.tilt:
        product = product.rotate(shot.tilt, Image.Resampling.BICUBIC)
    side = round(shot.size * pixels)
    product = product.resize((side, side), Image.Resampling.BOX, reducing_gap=2)
    scene = _ground(shot, pixels)
    corner = (pixels - side) // 2
    at = (corner + round(shot.right * pixels), corner + round(shot.down * pixels))
    scene.paste(product, at, product)
    return _developed(scene, shot)


def jpeg(design: Design, number: int = 0, pixels: int = 400) -> bytes:
    """The JPEG file of a numbered view."""
    shot = view(design, number)
    file = io.BytesIO()
    photo(design, shot, pixels).save(file, "JPEG", quality=shot.quality)
    return file.getvalue()


def _product(design: Design, pixels: int) -> Image.Image:
    brush = Brush(pixels, design.body, design.accent, design.pattern)
    PRODUCTS[design.kind.name](brush, design)
    return brush.layer


def _ground(shot: View, pixels: int) -> Image.Image:
    down = np.linspace(0, 1, pixels, dtype=np.float32)[:, None, None]
    rows = np.array(shot.above, np.float32) * (1 - down) + np.array(shot.below, np.float32) * down
    return Image.fromarray(np.repeat(rows, pixels, axis=1).astype(np.uint8))


def _developed(scene: Image.Image, shot: View) -> Image.Image:
    if shot == REFERENCE:
        return scene
    across = np.linspace(-shot.slant, shot.slant, scene.width, dtype=np.float32)
    light = np.array(shot.light, np.float32) * (1 + across[None, :, None])
    lit = np.clip(np.asarray(scene, dtype=np.float32) * light, 0, 255).astype(np.uint8)
    blur = shot.blur * scene.width / 400
    return Image.fromarray(lit).filter(ImageFilter.GaussianBlur(blur))


def _darker(colour: RGB, share: float) -> RGB:
    r, g, b = (round(value * share) for value in colour)
    return r, g, b
