"""Lines of a feed with one more member: how alike the offer's picture and its seed's photo are."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec

from pailitao_spider.analysis.feed_reader import Feeds, Line
from pailitao_spider.analysis.invented import SANDBOX, is_invented
from pailitao_spider.results.line_keys import NO_LINE

__all__ = ["MEMBER", "AddSimilarity", "joined"]

MEMBER = "visual_similarity"
_AT_ONCE = 64

Look = Callable[[str | None, str | None, str | None], Awaitable[float | None]]
"""From a seed's photo, a picture's URL and the gateway to 0 to 1, None where it is unknown."""


class _Pictured(msgspec.Struct):
    """What a line says of pictures, of any type."""

    gateway: Any = None
    seed_image: Any = None
    pic_url: Any = None
    pic_small_url: Any = None
    visual_similarity: Any = msgspec.UNSET


_PICTURED = msgspec.json.Decoder(_Pictured)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class AddSimilarity:
    """Looks at offers whose similarity no gateway gave, or at all; counts what became of them."""

    def __init__(self, look: Look, *, is_for_all: bool = False) -> None:
        self.known = self.unknown = self.passed_by = 0
        self._look, self._is_for_all = look, is_for_all

    async def lines(self, feeds: Feeds) -> AsyncGenerator[bytes, None]:
        """All lines in their order, 64 under way at once."""
        under_way: deque[asyncio.Task[bytes]] = deque()
        try:
            for line in feeds:
                under_way.append(asyncio.create_task(self._line(line)))
                if len(under_way) == _AT_ONCE:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()

    async def _line(self, line: Line) -> bytes:
        said = _said(line.raw)
        has_member = said.visual_similarity is not msgspec.UNSET
        if not self._is_for_all and line.offer.similarity is not None:
            self.passed_by += 1
            return line.raw if has_member else joined(line.raw, None)
        url = _text(said.pic_small_url) or _text(said.pic_url)
        photo, gateway = _text(said.seed_image), _text(said.gateway)
        if is_invented(gateway, photo, url):
            gateway = SANDBOX
        value = await self._look(photo, url, gateway)
        self.known += value is not None
        self.unknown += value is None
        return joined(_without(line.raw) if has_member else line.raw, value)


def joined(raw: bytes, value: float | None) -> bytes:
    """The line as it stands with the member at its end."""
    body = raw.rstrip()
    text = "null" if value is None else f"{value:.4f}"
    return body[:-1] + f',"{MEMBER}":{text}}}'.encode() + (raw[len(body) :] or b"\n")


def _without(raw: bytes) -> bytes:
    members = _MEMBERS.decode(raw)
    members.pop(MEMBER, None)
    return msgspec.json.encode(members) + b"\n"


def _said(raw: bytes) -> _Pictured:
    try:
        return _PICTURED.decode(raw)
    except NO_LINE:
        return _Pictured()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
