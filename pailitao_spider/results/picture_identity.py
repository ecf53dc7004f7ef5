"""Whether two seeds have one picture: by its bytes, or by its address on the web."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit, urlunsplit

from pailitao_spider.seeds.model import FileImage, Image

if TYPE_CHECKING:
    from pailitao_spider.results.seed_index import KnownSeed

__all__ = ["is_same", "picture_key"]

_OF_BYTES = "sha256:"
_WEB = ("http://", "https://")


class _Pictured(Protocol):
    @property
    def image(self) -> str: ...
    @property
    def image_sha256(self) -> str | None: ...


def picture_key(line: _Pictured) -> str | None:
    """As `PictureRef.key`, of a line of the ledger; None where it does not tell."""
    if line.image_sha256 is not None:
        return f"{_OF_BYTES}{line.image_sha256}"
    return _address(line.image) if _is_on_the_web(line.image) else None


def is_same(known: KnownSeed, image: Image, key: str | None) -> bool:
    """A seed has the picture of one in the ledger; `key` as that of `PictureRef`, if it is known.

    Ledgers of 0.1 know pictures by their names alone.
    """
    if known.sha256 is not None and key is not None and key.startswith(_OF_BYTES):
        return key == f"{_OF_BYTES}{known.sha256}"
    if known.image == image.label:
        return True
    if _is_on_the_web(known.image):
        return _address(known.image) == key
    return isinstance(image, FileImage) and _is_one_file(known.image, image.path)


def _is_on_the_web(image: str) -> bool:
    return image[:8].lower().startswith(_WEB)


def _address(url: str) -> str:
    """As the seeds' addresses are written: host in lower case, no fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user}{at}{host.lower()}", parts.path, parts.query, ""))


def _is_one_file(label: str, path: Path) -> bool:
    try:
        return path.samefile(label)
    except (OSError, ValueError):
        return False
