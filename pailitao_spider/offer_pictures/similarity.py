"""How much an offer's picture looks like the photo that it was found with."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor
from io import BytesIO
from pathlib import Path

from PIL import Image

from pailitao_spider.errors import PictureError
from pailitao_spider.offer_pictures.failures import Failures
from pailitao_spider.offer_pictures.fetcher import OfferPictures
from pailitao_spider.pictures import PictureLimits, prepare
from pailitao_spider.pictures.visual_descriptor import TILTS, Array, describe, resemblance, unclear
from pailitao_spider.seeds.image_bytes import read_file

__all__ = ["UnclearError", "VisualSimilarity"]

_SEEDS_KEPT = 1024
_LOOKED_AT = PictureLimits(5_000_000, 400, frozenset({"JPEG"}))


class UnclearError(PictureError):
    """A whole picture in which no product can be told from what is behind it."""


class VisualSimilarity:
    """Looks at pictures in `pool`, at a seed's photo once.

    A seed's path is looked up in each of the folders. `seed_failures` counts seeds, not offers.
    """

    def __init__(self, pictures: OfferPictures, folders: Sequence[Path], pool: Executor) -> None:
        self.seed_failures = Failures()
        self._pictures, self._folders, self._pool = pictures, tuple(folders), pool
        self._seeds: OrderedDict[tuple[str, str | None], asyncio.Task[Array | None]] = OrderedDict()

    async def of(self, seed: str | None, url: str | None, gateway: str | None) -> float | None:
        """0 to 1; None where the photo or the picture cannot be had or is unclear.

        On busy grounds the right one of 96 drawn designs came first 1 time in 10.
        """
        rows = await self._seed_rows(seed or "", gateway)
        if rows is None:
            return None
        raw = await self._pictures.get(url, gateway)
        if raw is None or url is None:
            return None
        try:
            reference = await self._look(raw, (0,))
        except PictureError as error:
            self._pictures.failures.count(error, url)
            if not isinstance(error, UnclearError):
                await self._pictures.spoil(url)
            return None
        return round(float(resemblance(rows, reference)[0]), 4)

    async def _seed_rows(self, seed: str, gateway: str | None) -> Array | None:
        key = (seed, gateway)
        if key not in self._seeds:
            self._seeds[key] = asyncio.create_task(self._looked_at_seed(seed, gateway))
            if len(self._seeds) > _SEEDS_KEPT:
                self._seeds.popitem(last=False)
        self._seeds.move_to_end(key)
        return await self._seeds[key]

    async def _looked_at_seed(self, seed: str, gateway: str | None) -> Array | None:
        try:
            return await self._look(await self._photo(seed, gateway), TILTS)
        except PictureError as error:
            self.seed_failures.count(error, seed or "a seed")
            return None

    async def _photo(self, seed: str, gateway: str | None) -> bytes:
        if seed.startswith(("https://", "http://")):
            return await self._pictures.picture(seed, gateway)
        if not seed or seed.startswith("base64:"):
            raise PictureError("not_kept", "its photo was given as Base64 or is not named")
        return await asyncio.to_thread(self._file, seed)

    def _file(self, seed: str) -> bytes:
        paths = [folder / seed for folder in self._folders]
        for path in paths:
            if _is_file(path):
                return read_file(path)
        raise PictureError("no_such_file", f"no such file in {', '.join(map(str, self._folders))}")

    async def _look(self, raw: bytes, tilts: Sequence[float]) -> Array:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _rows, raw, tilts)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _rows(raw: bytes, tilts: Sequence[float]) -> Array:
    with Image.open(BytesIO(prepare(raw, _LOOKED_AT).data), formats=("JPEG",)) as image:
        if reason := unclear(image):
            raise UnclearError(reason, "no product can be told from its ground")
        return describe(image, tilts)
