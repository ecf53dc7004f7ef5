"""What the workers know of their keys' quotas, for who looks on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pailitao_spider.cluster.redis.client import Link
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.config.setting_table import Config
from pailitao_spider.keys.accounts import Account, accounts_of
from pailitao_spider.keys.quota_day import beijing_day

__all__ = ["QuotaStatus", "quotas"]


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """Calls a second that the key is held to; `found` when the gateway has shown its limit."""

    per_second: float
    found: bool
    given: bool
    held_back_seconds: float
    calls_today: int
    daily_calls: int | None

    def __str__(self) -> str:
        how = "found" if self.found else "as given" if self.given else "so far"
        most = "" if self.daily_calls is None else f" of {self.daily_calls}"
        text = f"{self.per_second:.3g}/s {how}; {self.calls_today}{most} calls today"

        if self.held_back_seconds > 0:
            text += f"; held back for {self.held_back_seconds:.0f} s"
        return text


async def quotas(link: Link, config: Config) -> dict[str, QuotaStatus]:
    """By key; without those with which no worker has called of late, and none without keys."""
    has_keys = config.app_key or config.access_token or config.credentials
    found = {}
    for account in accounts_of(config) if has_keys else ():
        seen = await _quota(link, account)
        if seen is not None:
            found[account.config.name] = seen
    return found


async def _quota(link: Link, account: Account) -> QuotaStatus | None:
    keys = AppKeys(account.url, account.credential.owner)
    gate, calls = keys.gate, f"{keys.use}:{beijing_day(time.time())}"
    found = await link.script("quota", gate, calls)
    if not found[0]:
        return None
    per_second, generation, given, blocked, made, seconds, micros = map(float, found)
    held_back = max(0.0, blocked - seconds - micros / 1e6)
    return QuotaStatus(
        per_second,
        generation > 0,
        given > 0,
        held_back,
        int(made),
        account.config.daily_calls,
    )
