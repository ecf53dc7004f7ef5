"""`scrapy pailitao quota`: the day's calls and money, from the file that all runs share."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.admin.command_context import run_with_redis
from pailitao_spider.cluster.redis.key_names import AppKeys
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.config.setting_table import Config
from pailitao_spider.keys.accounts import accounts_of
from pailitao_spider.keys.budget import DayUsage
from pailitao_spider.keys.quota_day import beijing_day, next_midnight
from pailitao_spider.keys.usage_db import UsageFile
from pailitao_spider.verbs import quota

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PAILITAO_APP_KEY", "mine")
    monkeypatch.setenv("PAILITAO_APP_SECRET", "canary-secret")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PAILITAO_PRICE", "0.5")

    def run(**options: Any) -> tuple[int, str, str]:
        exit_code = quota.run(argparse.Namespace(settings=Settings(), **{"json": True, **options}))
        said = capsys.readouterr()
        assert "canary" not in said.out + said.err
        return exit_code, said.out, said.err

    return run


def used(calls: int, billed: int, spent: int, *, days_ago: int = 0) -> None:
    """Counts as a crawl with the first key does."""
    folder = quota.default_folder()
    usage = UsageFile(folder / "usage.sqlite", lambda: time.time() - 86400 * days_ago)
    usage.add(accounts_of(Config.read(Settings()))[0].owner, DayUsage(calls, billed, spent))
    usage.close()


def test_nothing_was_used_yet_and_no_file_is_made(ask: Ask, tmp_path: Path) -> None:
    exit_code, out, err = ask()
    told = json.loads(out)
    assert (exit_code, err) == (0, "")
    assert told["keys"] == [
        {"key": "router", "gateway": "router", "calls": 0, "billed": 0, "not_billed": 0, "spent": 0,
         "daily_calls": None, "calls_left": None}
    ]  # fmt: skip
    assert (told["max_spend"], told["spend_left"]) == (None, None)
    assert not list(tmp_path.iterdir())


def test_the_day_s_numbers_and_what_is_left(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAILITAO_DAILY_CALLS", "500")
    monkeypatch.setenv("PAILITAO_MAX_SPEND", "20")
    monkeypatch.setenv("PAILITAO_PRICE", "0.05")
    used(999, 999, 9_000_000, days_ago=1)
    used(120, 100, 5_000_000)

    told = json.loads(ask()[1])

    (key,) = told["keys"]
    assert (key["calls"], key["billed"], key["not_billed"], key["spent"]) == (120, 100, 20, 5)
    assert (key["daily_calls"], key["calls_left"]) == (500, 380)
    assert (told["spent"], told["max_spend"], told["spend_left"]) == (5, 20, 15)
    now = time.time()
    assert told["day"] == beijing_day(now)
    end = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(next_midnight(now)))
    assert told["ends_at"] == end


def test_money_keeps_its_digits_and_what_is_overdrawn_leaves_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAILITAO_DAILY_CALLS", "5")
    monkeypatch.setenv("PAILITAO_MAX_SPEND", "0.1")
    used(7, 7, 210_000)
    _, out, _ = ask()
    assert '"spent":0.21' in out
    told = json.loads(out)
    assert (told["keys"][0]["calls_left"], told["spend_left"]) == (0, 0)
    used(0, 0, 9_790_000)
    assert json.loads(ask()[1])["spent"] == 10


def test_each_key_of_a_file_has_its_own_row(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys.toml").write_text(
        '[[key]]\nname = "one"\napp_key = "a"\napp_secret = "b"\ndaily_calls = 10\n'
        '[[key]]\nname = "two"\ngateway = "tmapi"\naccess_token = "canary"\n'
    )
    monkeypatch.delenv("PAILITAO_APP_KEY")
    monkeypatch.delenv("PAILITAO_APP_SECRET")
    monkeypatch.setenv("PAILITAO_CREDENTIALS", str(tmp_path / "keys.toml"))
    used(3, 2, 0)

    told = json.loads(ask()[1])

    rows = [
        (each["key"], each["gateway"], each["calls"], each["calls_left"]) for each in told["keys"]
    ]
    assert rows == [("one", "router", 3, 7), ("two", "tmapi", 0, None)]


def test_the_table_is_for_people(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAILITAO_MAX_SPEND", "20")
    used(120, 100, 5_000_000)
    exit_code, out, _ = ask(json=False)
    assert exit_code == 0
    assert "router" in out
    assert "no limit" in out
    assert "5 yuan of 20, 15 left" in out
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(next_midnight(time.time())))
    assert f"the day ends at {end}" in out


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PAILITAO_SANDBOX": "1"}, "PAILITAO_SANDBOX is on"),
        ({"PAILITAO_APP_KEY": ""}, "PAILITAO_APP_KEY not set"),
        ({"PAILITAO_CLUSTER": "1", "REDIS_URL": "redis://127.0.0.1:9"}, "Redis at"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    exit_code, out, err = ask()
    assert (exit_code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_workers_count_together(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, redis_server: LocalServer
) -> None:
    monkeypatch.setenv("PAILITAO_CLUSTER", "1")
    monkeypatch.setenv("PAILITAO_MAX_SPEND", "20")
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    used(7, 7, 7)

    async def count(desk: Any) -> int:
        (account,) = accounts_of(desk.config)
        keys = AppKeys(account.url, account.credential.owner)
        day = {"calls": 120, "billed": 100, "spent": 5_000_000}
        await desk.link.client.hset(f"{keys.use}:{beijing_day(time.time())}", mapping=day)
        return 0

    assert json.loads(ask()[1])["keys"][0]["calls"] == 0
    run_with_redis(argparse.Namespace(settings=Settings()), count)

    exit_code, out, err = ask()
    told = json.loads(out)
    assert (exit_code, err) == (0, "")
    assert (told["keys"][0]["calls"], told["keys"][0]["not_billed"]) == (120, 20)
    assert (told["spent"], told["spend_left"]) == (5, 15)


def test_a_file_that_is_no_database_is_one_line(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "pailitao_spider").mkdir()
    (tmp_path / "pailitao_spider" / "usage.sqlite").write_text("no database " * 100)
    exit_code, _, err = ask()
    assert exit_code == 2
    assert "usage.sqlite cannot be read" in err
    assert len(err.splitlines()) == 1
