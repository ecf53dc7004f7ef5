"""The pictures of a page, each once: embedded as JPEG, or as a link."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures import PictureLimits, prepare
from pailitao_spider.seeds.image_bytes import load, read_part
from pailitao_spider.seeds.model import FileImage

__all__ = ["Embed", "EmbeddedImages", "ImageMode", "small_photo"]

MAX_BYTES = 48_000_000
"""Of all embedded pictures together, before Base64."""

_PHOTO = PictureLimits(bytes=60_000, side_pixels=320, formats=frozenset())
_LINK = re.compile(r"https://[\w.-]+(?::\d{1,5})?/[^\s\"'<>\\]*", re.ASCII)

_ALIBABAS = (
    ".alicdn.com",
    ".1688.com",
    ".alibaba.com",
    ".aliimg.com",
    ".tbcdn.cn",
    ".taobaocdn.com",
)

Embed = Callable[[Sequence[str], int], Mapping[str, bytes | None]]
"""Small JPEGs of addresses, None for what cannot be had.

The second argument is the room in bytes: addresses after it is used up may be left out.
"""


@dataclass(frozen=True, slots=True)
class ImageMode:
    """Where pictures come from: `drawn` for the sandbox's addresses, `fetched` for others.

    Others that were not fetched are linked if `links`. Not `shown`: no pictures at all.
    """

    drawn: Embed
    fetched: Embed | None = None
    links: bool = True
    shown: bool = True
    hosts: tuple[str, ...] = ()
    """That are linked besides Alibaba's."""


class EmbeddedImages:
    """`sources` are what an <img> takes, in the order of their numbers."""

    def __init__(self, way: ImageMode) -> None:
        self.sources: list[str] = []
        self.left_out = 0
        self._way = way
        self._numbers: dict[str, int] = {}
        self._shared: dict[bytes, int] = {}
        self._bytes = 0
        self._hosts: set[str] = set(way.hosts)
        self.linked_hosts: dict[str, None] = {}
        self.not_linked = 0

    def allow(self, addresses: Iterable[str | None]) -> None:
        """The buyer's own photos are linked wherever they lie."""
        self._hosts |= {_host(each) for each in addresses if each and _LINK.fullmatch(each)}

    def take(self, addresses: Iterable[str], *, invented: bool) -> None:
        """Embeds what can be had of these addresses; `invented`: they are the sandbox's."""
        wanted = [each for each in dict.fromkeys(addresses) if each not in self._numbers]
        embed = self._way.drawn if invented else self._way.fetched
        if not self._way.shown or embed is None or not wanted:
            return
        had = embed(wanted, MAX_BYTES - self._bytes)
        self.left_out += len(wanted) - len(had)
        for address, jpeg in had.items():
            number = None if jpeg is None else self._embedded(jpeg)
            if number is not None:
                self._numbers[address] = number

    def take_file(self, label: str, folders: Sequence[Path]) -> None:
        """Embeds a local photo, if it is there and can be read."""
        if not self._way.shown or label in self._numbers:
            return
        jpeg = next((jpeg for each in folders if (jpeg := small_photo(each / label))), None)
        number = None if jpeg is None else self._embedded(jpeg)
        if number is not None:
            self._numbers[label] = number

    def number(self, address: str | None, *, invented: bool = False) -> int | None:
        """Which picture an address has, None if it has none. The sandbox's are never linked."""
        if address is None or not self._way.shown:
            return None
        number = self._numbers.get(address)
        is_link = self._way.links and not invented and _LINK.fullmatch(address) is not None
        if number is not None or not is_link:
            return number
        host = _host(address)
        if host not in self._hosts and not host.endswith(_ALIBABAS):
            self.not_linked += 1
            return None
        self.linked_hosts[host] = None
        number = self._numbers[address] = self._added(address)
        return number

    def _embedded(self, jpeg: bytes) -> int | None:
        sha256 = hashlib.sha256(jpeg).digest()
        if sha256 in self._shared:
            return self._shared[sha256]
        if self._bytes + len(jpeg) > MAX_BYTES:
            self.left_out += 1
            return None
        self._bytes += len(jpeg)
        number = self._added(f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}")
        self._shared[sha256] = number
        return number

    def _added(self, source: str) -> int:
        self.sources.append(source)
        return len(self.sources) - 1


def _host(address: str) -> str:
    """With its port, as a policy names it."""
    return address.removeprefix("https://").partition("/")[0].lower()


def small_photo(path: Path) -> bytes | None:
    """A local photo as a new JPEG of at most 320 pixels a side: without its Exif, which tells
    where it was taken."""
    book, mark, part = str(path).rpartition("#")
    try:
        if mark and not path.exists():  # it was pasted into a cell
            return prepare(read_part(Path(book), part), _PHOTO).data
        return prepare(load(FileImage(path)), _PHOTO).data
    except PictureError:
        return None
