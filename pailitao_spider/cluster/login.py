"""A person's login for all workers: its tokens where `cluster.tokens` finds them."""

from __future__ import annotations

from typing import cast

from pailitao_spider.access.tokens import Token
from pailitao_spider.accounts import Account
from pailitao_spider.cluster.keys import AppKeys
from pailitao_spider.cluster.link import Link
from pailitao_spider.cluster.sealing import Seal, root
from pailitao_spider.cluster.tokens import RedisTokens

__all__ = ["keep_login", "newest_login"]


async def keep_login(link: Link, account: Account, token: Token) -> None:
    """Makes these the newest tokens of all workers with the same configured ones.

    Raises AwayError.
    """
    credential = account.credential
    key = f"{_keys(account).token}:{root(credential, account.configured)}"
    record = Seal(credential, key).sealed(token)
    kept = b""
    while kept != record:  # a worker that renewed meanwhile had the same version
        version = cast("int", (await link.script("tokens", key, "look"))[0])
        kept = (await link.script("tokens", key, "keep", "", 0, version + 1, record))[1]


async def newest_login(link: Link, account: Account) -> Token:
    """The tokens that the workers use now; the configured ones where Redis has no others."""
    return await RedisTokens(link, _keys(account), account.credential, account.configured).current()


def _keys(account: Account) -> AppKeys:
    return AppKeys(account.url, account.credential.owner)
