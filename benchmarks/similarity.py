"""How well the look of pictures sorts: the right design among all of the sandbox's drawn ones.

A buyer's photo of each design against one shop picture of each: on plain grounds, on busy ones,
and from a phone's 3 by 4. Drawings say nothing of real photos; the busy grounds say the most.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import perf_counter

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pailitao_spider.pictures.visual_descriptor import TILTS, Array, describe, resemblance, unclear
from pailitao_spider.sandbox.catalogue.designs import Design
from pailitao_spider.sandbox.catalogue.drawing import photo, view
from pailitao_spider.sandbox.catalogue.market import Catalogue

PIXELS = 240
BUYER, SHOP = 7, 3

Shot = Callable[[Design, int], Image.Image]


def plain(design: Design, number: int) -> Image.Image:
    return photo(design, view(design, number), PIXELS)


def tall(design: Design, number: int) -> Image.Image:
    pixels = np.pad(np.asarray(plain(design, number)), ((40, 40), (0, 0), (0, 0)), mode="edge")
    return Image.fromarray(pixels)


def busy(design: Design, number: int) -> Image.Image:
    """The product before blurred shapes of all colours."""
    rng = random.Random(f"{design.name} {number}")
    scene = Image.new("RGB", (PIXELS, PIXELS), _colour(rng))
    brush = ImageDraw.Draw(scene)
    for _ in range(14):
        x, y = rng.randrange(PIXELS), rng.randrange(PIXELS)
        box = (x, y, x + rng.randrange(20, 120), y + rng.randrange(20, 120))
        brush.rectangle(box, fill=_colour(rng))
    taken = plain(design, number)
    ground = np.asarray(taken, np.float32)[:4].mean(axis=(0, 1)).astype(int)
    away = ImageChops.difference(taken, Image.new("RGB", taken.size, tuple(ground)))
    mask = away.convert("L").point(lambda value: 255 if value > 30 else 0)
    scene = scene.filter(ImageFilter.GaussianBlur(2))
    scene.paste(taken, mask=mask)
    return scene


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(60, 250), rng.randrange(60, 250), rng.randrange(60, 250)


def places(designs: tuple[Design, ...], buyer: Shot, shops: Array) -> list[int]:
    """At which place each buyer's photo finds its own design."""
    alike = [resemblance(describe(buyer(each, BUYER), TILTS), shops) for each in designs]
    return [int((row > row[number]).sum()) for number, row in enumerate(alike)]


def main() -> None:
    designs = Catalogue().designs
    shots: dict[str, tuple[Shot, Shot]] = {
        "both plain": (plain, plain),
        "photo 3 by 4": (tall, plain),
        "photo busy": (busy, plain),
        "both busy": (busy, busy),
    }
    for name, (buyer, shop) in shots.items():
        shops = np.concatenate([describe(shop(each, SHOP)) for each in designs])
        found = places(designs, buyer, shops)
        first, five = (sum(place < n for place in found) / len(found) for n in (1, 5))
        refused = sum(unclear(buyer(each, BUYER)) is not None for each in designs)
        print(f"{name:14} top-1 {first:.2f}  top-5 {five:.2f}  unclear {refused}/{len(designs)}")
    _tell_time(plain(designs[0], SHOP))


def _tell_time(picture: Image.Image, times: int = 100) -> None:
    for name, tilts in (("an offer's picture", (0,)), ("a seed's photo", TILTS)):
        start = perf_counter()
        for _ in range(times):
            describe(picture, tilts)
        print(f"{name}: {(perf_counter() - start) / times * 1000:.1f} ms")


if __name__ == "__main__":
    main()
