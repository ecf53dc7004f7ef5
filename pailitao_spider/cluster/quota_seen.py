"""What the workers know of their app key's quota, for who looks on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

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
    calls_today: int
    daily_calls: int | None

    def __str__(self) -> str:
        how = "as given" if self.given else "found" if self.found else "so far"
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

    async def look() -> list[Any]:
        pipe: Any = link.client.pipeline(transaction=True)
        pipe.hmget(gate, "per_second", "generation", "given", "blocked_until").get(calls).time()
        found: list[Any] = await pipe.execute()
        return found

    (per_second, generation, given, blocked), made, now = await link.once(look)
    if per_second is None:
        return None
    held_back = max(0.0, float(blocked or 0) - now[0] - now[1] / 1e6)
    return QuotaSeen(
        float(per_second),
        int(float(generation or 0)) > 0,
        float(given or 0) > 0,
        held_back,
        int(made or 0),
        config.daily_calls,
    )
