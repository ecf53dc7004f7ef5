"""Which offers were seen before, by all workers of a run.

An offer is passed over only when it is safe in some feed, or was written earlier into this
worker's own feed, which is made safe before either page is acknowledged. The shared sets are
filled by the exchange, at acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.config.setting_table import DedupScope
from pailitao_spider.offers.dedup import DEDUP_KEYS, Sighted

if TYPE_CHECKING:
    from pailitao_spider.cluster.worker.leased_pages import PageInHand

__all__ = ["SharedSeen", "id_shard"]

_BITS = 48
_MEMBER_BITS = 32
_MIXER = 0x9E3779B97F4B  # 2**48 over the golden ratio, made odd: Knuth's multiplicative hashing
_MASK = (1 << _BITS) - 1
_MEMBER_MASK = (1 << _MEMBER_BITS) - 1
_ODD_IDS = "x"


def id_shard(num_iid: str) -> tuple[str, str | int]:
    """The bucket and the member that stand for an offer id, exactly."""
    number = int(num_iid) if num_iid.isascii() and num_iid.isdecimal() else -1
    if not 0 <= number <= _MASK or str(number) != num_iid:
        return _ODD_IDS, num_iid
    mixed = number * _MIXER & _MASK
    return str(mixed >> _MEMBER_BITS), (mixed & _MEMBER_MASK) - (1 << _MEMBER_BITS - 1)


_PACKED = msgspec.msgpack.Encoder()
_RECENT_ROUNDS = 8  # a page that asked before an acknowledgement meets its offers after it
_Question = tuple[str, list[str | int]]
_Asked = tuple[list[_Question], asyncio.Future[str]]


class SharedSeen:
    """The offers of a run. `find` gives the page in hand that an offer came on."""

    def __init__(
        self,
        link: Link,
        prefix: str,
        scope: DedupScope,
        find: Callable[[str | None, int | None], PageInHand | None],
    ) -> None:
        self._link = link
        self._prefix = prefix
        self._scope = scope
        self._key = DEDUP_KEYS[scope]
        self._find = find
        self._pending: set[str] = set()
        self._recent: deque[set[str]] = deque(maxlen=_RECENT_ROUNDS)
        self._asked: list[_Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, offers: Sequence[Sighted]) -> None:
        """One call a page at most; pages that come while one is under way share the next."""
        page = self._find(offers[0].seed_id, offers[0].page) if offers else None
        if page is None or self._scope == "off":
            return
        answer = self._loop_future()
        self._asked.append((self._questions(offers), answer))
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
        known = await answer
        page.known = {self._key(each) for each, is_known in zip(offers, known, strict=True)
                      if is_known == "1"}  # fmt: skip

    def add(self, offer: Sighted) -> bool:
        key = self._key(offer)
        page = self._find(offer.seed_id, offer.page)
        if page is None:
            return True
        if key in page.known or key in self._pending or any(key in keys for keys in self._recent):
            return False
        self._pending.add(key)
        page.added.append(key)
        return True

    def written(self, page: PageInHand) -> dict[str, Any]:
        """The members of the page's acknowledgement that say which offers it wrote."""
        if self._scope != "crawl":
            return {"own": page.written}
        return {"offers": [part for each in page.written for part in id_shard(each)]}

    def acknowledged(self, pages: Sequence[PageInHand]) -> None:
        """What these pages wrote is in the shared sets now."""
        self._recent.append({key for page in pages for key in page.added})
        self.given_back(pages)

    def given_back(self, pages: Sequence[PageInHand]) -> None:
        """These pages are somebody else's now, and so are their offers."""
        for page in pages:
            self._pending.difference_update(page.added)

    def _questions(self, offers: Sequence[Sighted]) -> list[_Question]:
        if self._scope == "seed":
            return [(f"got:{offers[0].seed_id}", [each.num_iid for each in offers])]
        return [(f"ids:{bucket}", [member]) for bucket, member in
                (id_shard(each.num_iid) for each in offers)]  # fmt: skip

    @staticmethod
    def _loop_future() -> asyncio.Future[str]:
        return asyncio.get_running_loop().create_future()

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                try:
                    await self._answer(asked)
                except Exception as error:  # or who asked would wait for ever
                    _tell_all(asked, error)
        finally:
            self._asking = None

    async def _answer(self, asked: list[_Asked]) -> None:
        packed = _PACKED.encode([question for questions, _ in asked for question in questions])
        known = (await self._link.patient_script("seen", self._prefix, packed)).decode()
        for questions, answer in asked:
            number = sum(len(members) for _, members in questions)
            if not answer.done():
                answer.set_result(known[:number])
            known = known[number:]


def _tell_all(asked: list[_Asked], error: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)
