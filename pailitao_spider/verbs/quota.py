"""`scrapy pailitao quota`: what the keys have made of their day."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from pailitao_spider.config.setting_table import Config
from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.keys.accounts import Account, accounts_of
from pailitao_spider.keys.budget import DayUsage
from pailitao_spider.keys.quota_day import beijing_day, next_midnight
from pailitao_spider.keys.token_file import default_folder
from pailitao_spider.keys.usage_db import UsageFile

if TYPE_CHECKING:
    from rich.table import Table

    from pailitao_spider.cluster.admin.command_context import Desk

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "calls and money of the day by key, and what is left"

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as a JSON object")


def run(options: argparse.Namespace) -> int:
    """Exits with 0, or 2 for settings or a file that cannot be used."""
    try:
        config = Config.read(options.settings, needs_key=False)
        accounts = _accounts(config)
        if not config.cluster:
            return _show(_local_day(accounts, config, time.time()), options)
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from pailitao_spider.cluster.admin.command_context import run_with_redis

    return run_with_redis(options, lambda desk: _shared(desk, accounts, options))


def _accounts(config: Config) -> list[Account]:
    if config.sandbox is not None:
        raise ConfigError("PAILITAO_SANDBOX is on, and its calls are not counted; unset it")
    return accounts_of(config)


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of all keys; `spent` and `most` in yuan."""

    uses: Sequence[tuple[Account, DayUsage]]
    spent: Decimal
    most: Decimal | None
    now: float


def _local_day(accounts: Sequence[Account], config: Config, now: float) -> _Day:
    """Raises ResultsError."""
    path = default_folder() / "usage.sqlite"
    try:
        if not path.exists():
            return _Day(
                [(each, DayUsage()) for each in accounts], Decimal(0), config.max_spend, now
            )
        usage = UsageFile(path, lambda: now)
        try:
            uses = [(each, usage.today(each.owner)) for each in accounts]
            return _Day(uses, _yuan(usage.spent_today()), config.max_spend, now)
        finally:
            usage.close()
    except (OSError, sqlite3.Error) as error:
        raise ResultsError(f"{path} cannot be read ({error}); delete it to count anew") from error


async def _shared(desk: Desk, accounts: Sequence[Account], options: argparse.Namespace) -> int:
    from pailitao_spider.cluster.redis.key_names import AppKeys
    from pailitao_spider.cluster.shared.budget import day_use

    now = time.time()
    uses = [
        (each, await day_use(desk.link, AppKeys(each.url, each.credential.owner), now))
        for each in accounts
    ]
    spent = _yuan(sum(use.spent for _, use in uses))
    return _show(_Day(uses, spent, desk.config.max_spend, now), options)


def _yuan(millionths: int) -> Decimal:
    return Decimal(f"{Decimal(millionths).scaleb(-6).normalize():f}")


def _show(day: _Day, options: argparse.Namespace) -> int:
    if options.json:
        sys.stdout.write(f"{_ENCODER.encode(_facts(day)).decode()}\n")
        return 0
    from rich.console import Console

    console = Console(highlight=False)
    console.print(_table(day))
    console.print(_foot(day), soft_wrap=True)
    return 0


def _facts(day: _Day) -> dict[str, Any]:
    return {
        "day": beijing_day(day.now),
        "ends_at": _local(next_midnight(day.now), "%Y-%m-%dT%H:%M:%S%z"),
        "keys": [_facts_of(account, use) for account, use in day.uses],
        "spent": day.spent,
        "max_spend": day.most,
        "spend_left": None if day.most is None else max(day.most - day.spent, Decimal(0)),
    }


def _facts_of(account: Account, use: DayUsage) -> dict[str, Any]:
    most = account.config.daily_calls
    return {
        "key": account.config.name,
        "gateway": account.dialect.name,
        "calls": use.calls,
        "billed": use.billed,
        "not_billed": use.not_billed,
        "spent": _yuan(use.spent),
        "daily_calls": most,
        "calls_left": None if most is None else max(most - use.calls, 0),
    }


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("key", "key"),
    ("gateway", "gateway"),
    ("calls", "calls"),
    ("billed", "billed"),
    ("not_billed", "not billed"),
    ("spent", "spent"),
    ("calls_left", "calls left"),
)


def _table(day: _Day) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"calls of {beijing_day(day.now)}", title_justify="left")
    for name, head in _COLUMNS:
        table.add_column(head, justify="left" if name in ("key", "gateway") else "right")
    for account, use in day.uses:
        facts = _facts_of(account, use)
        table.add_row(*(Text(_cell(name, facts[name])) for name, _ in _COLUMNS))
    return table


_CELLS: dict[str, Callable[[Any], str]] = {
    "spent": lambda yuan: f"{yuan:f} yuan",
    "calls_left": lambda left: "no limit" if left is None else str(left),
}


def _cell(name: str, value: Any) -> str:
    return _CELLS.get(name, str)(value)


def _foot(day: _Day) -> str:
    until = _local(next_midnight(day.now), "%Y-%m-%d %H:%M")
    left = ""
    if day.most is not None:
        left = f" of {_short(day.most)}, {_short(max(day.most - day.spent, Decimal(0)))} left"
    spent = f"spent by all keys of yours, also those not named here: {_short(day.spent)} yuan{left}"
    return f"{spent}\nthe day ends at {until} (local time)"


def _short(yuan: Decimal) -> str:
    return f"{yuan.normalize():f}"


def _local(moment: float, form: str) -> str:
    return time.strftime(form, time.localtime(moment))
