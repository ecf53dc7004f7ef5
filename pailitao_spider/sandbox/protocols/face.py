"""What every face of the gateway is: calls in one dialect to answers in the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.admission import Desk
from pailitao_spider.sandbox.answers import Answers
from pailitao_spider.sandbox.catalogue.listings import Row
from pailitao_spider.sandbox.envelopes import Body
from pailitao_spider.sandbox.refusals import Refusal, RefusalError, bad_parameter

__all__ = [
    "Ask",
    "House",
    "Params",
    "ProtocolAdapter",
    "ends_of",
    "filled",
    "is_hosted",
    "offer_number",
    "whole",
]

Params = Mapping[str, str]

ALIBABAS_HOSTS = (
    "alicdn.com", "1688.com", "taobao.com", "tbcdn.cn", "tmall.com", "alibaba.com",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One call as its face reads it. `method` is search, upload, token, time or other.

    `account` is whose key it names, None nobody's; `imgid` the picture that it speaks of.
    """

    method: str
    path: str
    params: Params
    account: Account | None
    imgid: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What lies behind every face."""

    desk: Desk
    answers: Answers
    entropy: Callable[[], str]


class ProtocolAdapter(Protocol):
    """`routes` are HTTP methods and paths; a face whose tokens do not renew never kills them."""

    routes: ClassVar[Sequence[tuple[str, str]]]
    renews_tokens: ClassVar[bool]

    def ask(self, path: str, params: Params) -> Ask: ...

    async def answer(self, ask: Ask) -> Body:
        """Raises RefusalError, and GrantError at the token URL."""
        ...

    def told(self, refusal: Refusal, ask: Ask) -> Refusal:
        """The refusal in this dialect's words."""
        ...


def is_hosted(url: str) -> bool:
    """Alibaba has the picture itself."""
    host = (urlsplit(url).hostname or "").lower()
    return any(host == each or host.endswith(f".{each}") for each in ALIBABAS_HOSTS)


def whole(params: Params, name: str, default: int) -> int:
    """A positive number among the parameters. Raises RefusalError."""
    text = params.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise RefusalError(bad_parameter(f"{name} is invalid"))
    return int(text[:9])


def offer_number(row: Row) -> int | None:
    """The id as a number; None for a row that has lost it."""
    return int(row["num_iid"]) if "num_iid" in row else None


def ends_of(row: Row) -> tuple[str, str]:
    """The lowest and the highest price, yuan as text."""
    told = row["price_range"]
    if isinstance(told, dict):
        return f"{told['min_price']:.2f}", f"{told['max_price']:.2f}"
    low, high = told.split("-")
    return low, high


def filled(fields: Mapping[str, Any]) -> Row:
    """Without what is not known."""
    return {name: value for name, value in fields.items() if value is not None}
