"""A worker's simultaneous renewals, for tests that start many: `python -m tests.token_worker JSON`.

It says `ready`, waits for a line, renews version 0, and says what each caller was told.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.connection import connect
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.shared.tokens import RedisTokens
from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.calls import Credential
from pailitao_spider.gateways.oauth import Renewed, refresh_form, renewed
from pailitao_spider.keys.tokens import Token


class Worker:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.credential = Credential(told["app_key"], told["app_secret"])
        self.link = Link(connect(Settings({"REDIS_URL": told["redis_url"]})))
        self.tokens = RedisTokens(
            self.link,
            AppKeys(told["token_url"], told["app_key"]),
            self.credential,
            Token(told["access"], told["refresh"]),
            doubt_seconds=told["doubt_seconds"],
        )

    async def fetch(self, refresh_token: str) -> Renewed:
        form = refresh_form(self.told["token_url"], self.credential, refresh_token)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(form.url, data=form.body, headers=kind) as answer,
        ):
            outcome = renewed(answer.status, await answer.read())
        if isinstance(outcome, Renewed):
            return outcome
        raise RefusedError(outcome.reason)

    async def renewed(self) -> list[str]:
        calls = (self.tokens.renew(0, self.fetch) for _ in range(self.told["callers"]))
        try:
            answers = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await self.link.close()
        return [_shown(answer) for answer in answers]


def _shown(answer: Token | BaseException) -> str:
    if isinstance(answer, Token):
        return f"{answer.version} {answer.access}"
    return f"{type(answer).__name__} {answer}"


if __name__ == "__main__":
    worker = Worker(json.loads(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(worker.renewed())), flush=True)
