"""`scrapy pailitao login` against the token URL of a served gateway."""

from __future__ import annotations

import argparse
import io
import json
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.admin.command_context import run_with_redis
from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.tokens import newest_login
from pailitao_spider.config.setting_table import Config
from pailitao_spider.keys.accounts import accounts_of
from pailitao_spider.sandbox.accounts import LOGIN_CODE, Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.verbs import login
from tests.crawling import Crawler

CATALOGUE = Catalogue()
CANARIES = {
    "secret": "canary-secret-5d1f",
    "access_token": "canary-access-8a2c",
    "refresh_token": "canary-refresh-77e0",
}


@pytest.fixture
def site(
    serve_sandbox: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Site:
    """A gateway, and settings for a key of it that has no tokens yet."""
    site = serve_sandbox(Gateway(CATALOGUE, Account(**CANARIES)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PAILITAO_GATEWAY", "imagequery")
    monkeypatch.setenv("PAILITAO_URL", site.url_of("imagequery"))
    monkeypatch.setenv("PAILITAO_TOKEN_URL", site.token_url_of("imagequery") or "")
    monkeypatch.setenv("PAILITAO_APP_KEY", "sandbox")
    monkeypatch.setenv("PAILITAO_APP_SECRET", CANARIES["secret"])
    return site


@pytest.fixture
def log_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command; `typed` is told the printed address and says what is pasted."""

    class Typist(io.StringIO):
        def __init__(self, typed: Callable[[str], str], shown: list[str]) -> None:
            super().__init__()
            self._typed, self._shown = typed, shown

        def readline(self, *_: Any) -> str:  # type: ignore[override]
            self._shown.append(capsys.readouterr().out)
            address = re.search(r"https://\S+", self._shown[0])
            assert address is not None
            return self._typed(address[0])

    def run(typed: Callable[[str], str] = lambda _: "", **options: Any) -> tuple[int, str, str]:
        shown: list[str] = []
        monkeypatch.setattr(sys, "stdin", Typist(typed, shown))
        given = {"key": None, "redirect": "http://127.0.0.1", "code": None, **options}
        exit_code = login.run(argparse.Namespace(settings=Settings(), **given))
        said = capsys.readouterr()
        return exit_code, "".join(shown) + said.out, said.err.strip()

    return run


LogIn = Callable[..., tuple[int, str, str]]


def redirected(address: str, **changes: str) -> str:
    """Where 1688 sends the browser."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    told = {"code": LOGIN_CODE, "state": query["state"], **changes}
    return f"{query['redirect_uri']}/?{'&'.join(f'{k}={v}' for k, v in told.items() if v)}\n"


def newest() -> tuple[str | None, str | None]:
    """What a crawl that starts now would use."""
    token = accounts_of(Config.read(Settings()))[0].newest()
    return token.access, token.refresh


def files(folder: Path) -> list[Path]:
    return list((folder / "state").glob("**/tokens-*"))


def test_the_pasted_address_logs_in_and_the_next_crawl_uses_its_tokens(
    site: Site, log_in: LogIn, tmp_path: Path
) -> None:
    exit_code, out, err = log_in(redirected)

    account = site.gateway.account
    assert exit_code == 0, err
    assert account.access_token != CANARIES["access_token"]
    assert newest() == (account.access_token, account.refresh_token)
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = json.loads(file.read_bytes())
    now = time.time()
    assert 36_000 - 70 < kept["renew_at"] - now < 36_000 - 50
    assert 179 < (kept["ends_at"] - now) / 86400 < 181
    day = time.strftime("%Y-%m-%d", time.localtime(kept["ends_at"]))
    assert f"key imagequery: logged in until {day}" in out
    secrets = {CANARIES["secret"], account.access_token, account.refresh_token, LOGIN_CODE}
    assert not [each for each in secrets if each in out + err]


@pytest.mark.parametrize(
    "pasted",
    [
        lambda _: f"  {LOGIN_CODE}\n",
        lambda address: redirected(address, state=""),
        lambda address: redirected(address).partition("?")[2],
    ],
    ids=["code", "without-state", "query"],
)
@pytest.mark.usefixtures("site")
def test_a_code_alone_will_do(log_in: LogIn, pasted: Callable[[str], str]) -> None:
    exit_code, _, err = log_in(pasted)
    assert exit_code == 0, err


@pytest.mark.parametrize("code", [LOGIN_CODE, f"https://my.app/back?code={LOGIN_CODE}&state=x"])
@pytest.mark.usefixtures("site")
def test_a_script_gives_the_code_and_is_asked_nothing(log_in: LogIn, code: str) -> None:
    exit_code, out, err = log_in(code=code)
    assert (exit_code, err) == (0, "")
    assert "Open this address" not in out


@pytest.mark.usefixtures("site")
def test_the_printed_address_names_app_redirect_and_a_state_that_nobody_guesses(
    log_in: LogIn,
) -> None:
    seen: list[dict[str, list[str]]] = []

    def typed(address: str) -> str:
        seen.append(parse_qs(urlsplit(address).query))
        return LOGIN_CODE

    for _ in range(2):
        log_in(typed, redirect="https://my.app/back")
    assert seen[0]["client_id"] == ["sandbox"]
    assert seen[0]["redirect_uri"] == ["https://my.app/back"]
    assert seen[0]["state"] != seen[1]["state"]
    assert len(seen[0]["state"][0]) >= 20


@pytest.mark.parametrize(
    ("typed", "exit_code", "words"),
    [
        (lambda _: "canary-wrong-code\n", 1, "refuses the code"),
        (lambda address: redirected(address, state="other"), 2, "another login"),
        (lambda address: redirected(address, code="", error="denied"), 2, "holds no code"),
        (lambda _: "", 2, "no code was given"),
        (lambda _: "http://[::1/?code=x", 2, "cannot be read"),
    ],
    ids=["wrong-code", "wrong-state", "not-let-in", "nothing", "no-address"],
)
def test_what_goes_wrong_is_one_line_and_keeps_nothing(
    site: Site,
    log_in: LogIn,
    tmp_path: Path,
    typed: Callable[[str], str],
    exit_code: int,
    words: str,
) -> None:
    got, out, err = log_in(typed)
    assert got == exit_code, err
    assert words in err
    assert len(err.splitlines()) == 1
    assert CANARIES["secret"] not in out + err
    assert "canary-wrong-code" not in out + err
    assert not files(tmp_path)
    assert newest() == (None, None)


@pytest.mark.parametrize(
    ("settings", "options", "exit_code", "words"),
    [
        ({"PAILITAO_APP_SECRET": "canary-other"}, {}, 1, "client_secret"),
        ({"PAILITAO_TOKEN_URL": "http://127.0.0.1:9/t"}, {}, 1, "nothing listens there"),
        ({"PAILITAO_SANDBOX": "1"}, {}, 2, "PAILITAO_SANDBOX is on"),
        ({"PAILITAO_GATEWAY": "onebound"}, {}, 2, "onebound has no login"),
        ({"PAILITAO_APP_KEY": ""}, {}, 2, "PAILITAO_APP_KEY"),
        ({}, {"key": "second"}, 2, "no key second has a login; give --key imagequery"),
        ({"PAILITAO_CLUSTER": "1", "REDIS_URL": "redis://127.0.0.1:9"}, {}, 2, "Redis at"),
    ],
)
def test_what_cannot_work_is_one_line(
    site: Site,
    log_in: LogIn,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    options: dict[str, str],
    exit_code: int,
    words: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    got, out, err = log_in(code=LOGIN_CODE, **options)
    assert got == exit_code, err
    assert words in err
    assert len(err.splitlines()) == 1
    assert "canary-other" not in out + err
    assert newest_of_gateway(site) == CANARIES["access_token"]


def newest_of_gateway(site: Site) -> str:
    """A code that was not used up leaves the old token alive."""
    return site.gateway.account.access_token


def test_one_of_several_keys_is_named(
    site: Site, log_in: LogIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = "".join(
        f'[[key]]\nname = "{name}"\ngateway = "{spoken}"\napp_key = "sandbox"\n'
        f'app_secret = "{CANARIES["secret"]}"\ntoken_url = "{site.token_url_of("linkplus")}"\n'
        for name, spoken in (("one", "imagequery"), ("two", "linkplus"))
    )
    (tmp_path / "keys.toml").write_text(keys)
    for name in ("APP_KEY", "APP_SECRET", "GATEWAY", "TOKEN_URL", "URL"):
        monkeypatch.delenv(f"PAILITAO_{name}")
    monkeypatch.setenv("PAILITAO_CREDENTIALS", str(tmp_path / "keys.toml"))

    assert log_in(code=LOGIN_CODE)[0] == 2
    exit_code, out, err = log_in(code=LOGIN_CODE, key="two")

    assert exit_code == 0, err
    assert "key two: logged in" in out


def test_the_code_is_not_used_up_where_its_tokens_cannot_be_kept(
    site: Site, log_in: LogIn, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file, and no folder")
    exit_code, _, err = log_in(code=LOGIN_CODE)
    assert exit_code == 2
    assert "not writable" in err
    assert newest_of_gateway(site) == CANARIES["access_token"]


def test_workers_get_the_tokens_of_a_login(
    site: Site, log_in: LogIn, monkeypatch: pytest.MonkeyPatch, redis_server: LocalServer
) -> None:
    monkeypatch.setenv("PAILITAO_CLUSTER", "1")
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    seen = []

    async def look(desk: Any) -> int:
        (account,) = accounts_of(desk.config)
        token = await newest_login(desk.link, account)
        seen.append((token.access, token.refresh, token.version, token.ends_at is not None))
        return 0

    for _ in range(2):
        exit_code, out, err = log_in(code=LOGIN_CODE)
        assert exit_code == 0, err
        assert "and in Redis for all workers" in out
        run_with_redis(argparse.Namespace(settings=Settings()), look)
        account = site.gateway.account
        assert seen[-1][:2] == (account.access_token, account.refresh_token)

    assert [each[2:] for each in seen] == [(1, True), (2, True)]


def test_the_command_asks_on_standard_input(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    site = serve_sandbox()
    crawler.use(site)
    crawler.env |= {
        "PAILITAO_GATEWAY": "linkplus",
        "PAILITAO_URL": site.url_of("linkplus"),
        "PAILITAO_TOKEN_URL": site.token_url_of("linkplus") or "",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "scrapy", "pailitao", "login"],
        cwd=crawler.folder,
        env=crawler._environment(),
        input=f"{LOGIN_CODE}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "https://auth.1688.com/oauth/authorize?client_id=sandbox" in done.stdout
    assert "logged in until" in done.stdout
