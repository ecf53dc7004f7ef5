"""What the workers know of their app key's quota, for who looks on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pailitao_spider.cluster.keys import AppKeys
from pailitao_spider.cluster.link import Link
from pailitao_spider.config import Config
from pailitao_spider.gateways.dialects import dialect
from pailitao_spider.results.state import beijing_day

__all__ = ["QuotaSeen", "quota"]


@dataclass(frozen=True, slots=True)
class QuotaSeen:
    """Calls a second that the key is held to; `found` when the gateway has shown its limit."""

    per_second: float
    found: bool
    given: bool
    held_back_seconds: float
    calls_today: int | None
    """None where no budget is set: then nobody counts."""
    daily_calls: int | None

    def __str__(self) -> str:
        how = "found" if self.found else "as given" if self.given else "so far"
        text = f"{self.per_second:.3g}/s {how}"
        if self.daily_calls is not None:
            text += f"; {self.calls_today} of {self.daily_calls} calls today"
        if self.held_back_seconds > 0:
            text += f"; held back for {self.held_back_seconds:.0f} s"
        return text


async def quota(link: Link, config: Config) -> QuotaSeen | None:
    """None where no key is configured here, or no worker has called with it of late."""
    if not config.app_key:
        return None
    keys = AppKeys(config.url or dialect(config.gateway).url, config.app_key)
    gate, calls = keys.gate, f"{keys.calls}:{beijing_day(time.time())}"

    found = await link.script("quota", gate, calls)
    if not found[0]:
        return None
    per_second, generation, given, blocked, made, seconds, micros = map(float, found)
    held_back = max(0.0, blocked - seconds - micros / 1e6)
    calls_today = None if config.daily_calls is None else int(made)
    return QuotaSeen(
        per_second, generation > 0, given > 0, held_back, calls_today, config.daily_calls
    )
