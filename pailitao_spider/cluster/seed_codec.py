"""Seeds as they stand in Redis, decoded strictly: what is not exactly one is refused.

A line of the intake is a JSON object `{"image": …, "seed_id": …, "extra": {…}}`, where `image` is
an http(s) address or `sha256:<hex>` of stored bytes, or a bare address. No path is ever opened, no
class or function looked up by a name that was read here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from pailitao_spider.crawl.picture_refs import picture_of
from pailitao_spider.errors import UNDECODABLE, BadSeedError, PailitaoError
from pailitao_spider.offers.values import cleaned
from pailitao_spider.seeds.ids import default_id
from pailitao_spider.seeds.images import url_image
from pailitao_spider.seeds.model import Seed, StoredImage, UrlImage

__all__ = [
    "MOST_LINE_BYTES",
    "IntakeSeed",
    "NoSeedError",
    "digest_of",
    "line_of",
    "read_line",
    "read_payload",
    "seed_name",
    "written_payload",
]

MOST_LINE_BYTES = 64 * 1024
_MOST_NAME = 200
_STORED = re.compile(r"sha256:([0-9a-f]{64})")
_WEB = ("http://", "https://")
_UNWRITABLE = (msgspec.EncodeError, UnicodeEncodeError, RecursionError, TypeError, ValueError)


class NoSeedError(PailitaoError):
    """Something in Redis that is no seed."""


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    image: str
    seed_id: str | None = None
    label: str | None = None
    extra: dict[str, Any] = {}
    bad: str | None = None


class _StartUrl(msgspec.Struct):
    """What scrapy-redis takes as a start request; its other members say how to fetch a page."""

    url: str
    meta: dict[str, Any] = {}
    image: Any = None
    """A line that has this as well is neither."""


_LINES = msgspec.json.Decoder(_Line)
_START_URLS = msgspec.json.Decoder(_StartUrl)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class IntakeSeed:
    """A seed of the intake; `bad` says why it cannot be searched."""

    seed: Seed
    bad: str | None = None

    @property
    def sha256(self) -> str | None:
        """Of bytes that are stored for it."""
        image = self.seed.image
        return image.sha256 if isinstance(image, StoredImage) and not self.bad else None

    @property
    def pages(self) -> int:
        """As many as one machine asks for: of a picture it learns only then that it is damaged."""
        return 0 if self.bad and not isinstance(self.seed.image, StoredImage) else 1


def line_of(found: IntakeSeed) -> bytes:
    """The line that `read_line` reads as the same seed. Raises NoSeedError."""
    return _encoded(_line(found, found.seed.seed_id))


def _encoded(line: _Line) -> bytes:
    try:
        return _ENCODER.encode(line)
    except _UNWRITABLE as error:
        raise NoSeedError(f"its columns cannot be written as JSON ({error})") from error


def _line(found: IntakeSeed, seed_id: str | None) -> _Line:
    image, extra = found.seed.image, found.seed.extra
    if isinstance(image, StoredImage):
        return _Line(f"sha256:{image.sha256}", seed_id, image.label, extra, found.bad)
    return _Line(image.label, seed_id, None, extra, found.bad)


def read_line(raw: bytes) -> IntakeSeed:
    """Raises NoSeedError with the reason."""
    return _seed(_decoded(raw))


def _seed(line: _Line) -> IntakeSeed:
    if line.bad is not None:
        name = seed_name(line.seed_id or line.image)
        bad_image = _stored_image(line) or UrlImage(line.image)
        return IntakeSeed(Seed(name, bad_image, line.extra), line.bad)
    image = _image(line)
    return IntakeSeed(Seed(seed_name(line.seed_id or default_id(image)), image, line.extra))


def _decoded(raw: bytes) -> _Line:
    if len(raw) > MOST_LINE_BYTES:
        raise NoSeedError(f"a line of {len(raw)} bytes")
    try:
        if _is_on_the_web(raw[:8].decode("latin-1")):
            return _Line(raw.decode().strip())
        return _start_url(raw) or _LINES.decode(raw)
    except UNDECODABLE as error:
        raise NoSeedError(f"no seed: {cleaned(str(error))[:200]}") from error


def _start_url(raw: bytes) -> _Line | None:
    if b'"url"' not in raw:
        return None
    try:
        start = _START_URLS.decode(raw)
    except UNDECODABLE:
        return None
    if start.image is not None:
        return None
    extra = dict(start.meta)
    seed_id = extra.pop("seed_id", None)
    return _Line(start.url.strip(), None if seed_id is None else str(seed_id), extra=extra)


def _is_on_the_web(image: str) -> bool:
    return image[:8].lower().startswith(_WEB)


def _stored_image(line: _Line) -> StoredImage | None:
    found = _STORED.fullmatch(line.image)
    return StoredImage(found[1], line.label or line.image) if found else None


def _image(line: _Line) -> UrlImage | StoredImage:
    if stored := _stored_image(line):
        return stored
    if not _is_on_the_web(line.image):
        raise NoSeedError(
            f"{cleaned(line.image[:80])} is no http(s) address; push pictures of your own with "
            "scrapy pailitao push"
        )
    try:
        return url_image(line.image)
    except BadSeedError as error:
        raise NoSeedError(str(error)) from error


def seed_name(text: str) -> str:
    """The name under which a seed is kept. Raises NoSeedError when there is none."""
    name = cleaned(text)[:_MOST_NAME].rstrip()
    if not name:
        raise NoSeedError("an empty seed_id")
    return name


def digest_of(found: IntakeSeed) -> str:
    """Equal for equal pictures; a bad line has none, so its own name stands for it."""
    seed = found.seed
    key = f"bad {seed.seed_id}" if found.bad else picture_of(seed.image).key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def written_payload(found: IntakeSeed) -> str:
    """What every page of the seed carries: picture, label, other columns. Raises NoSeedError."""
    return _encoded(_line(found, None)).decode()


def read_payload(seed_id: str, payload: str) -> IntakeSeed:
    """The seed again. Raises NoSeedError."""
    line = _decoded(payload.encode("utf-8", "surrogatepass"))
    line.seed_id = seed_id
    return _seed(line)
