"""`scrapy pailitao login`: a person lets the app in, and the tokens of that are kept."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from pailitao_spider.config.setting_table import Config
from pailitao_spider.doctor.surroundings import is_writable
from pailitao_spider.doctor.wire import WireError, answered
from pailitao_spider.errors import ConfigError, PailitaoError, RefusedError
from pailitao_spider.gateways.oauth import Renewed, code_form, login_url, renewed
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.keys.accounts import Account, accounts_of
from pailitao_spider.keys.tokens import Token

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

    from pailitao_spider.cluster.redis.client import Link

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "log in at 1688 for a key whose token is dead or missing, and keep the new tokens"

_REDIRECT = "http://127.0.0.1"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", metavar="NAME", help="which one, where there are several")
    parser.add_argument(
        "--redirect",
        default=_REDIRECT,
        metavar="URL",
        help="where the browser is sent with the code; its domain must be the one in your app's "
        f"console. By default {_REDIRECT}, where nothing listens and nothing is given away: the "
        "code stands in the browser's address bar",
    )
    parser.add_argument(
        "--code", help="the code, or the whole address with it; by default it is asked for"
    )


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when logged in, 1 when the gateway refuses, 2 for a mistake."""
    try:
        config = Config.read(options.settings, needs_key=False)
        account = _chosen(config, options.key)
        code = _code(account, options)
        asyncio.run(_logged_in(config, options.settings, account, code, options.redirect))
    except (RefusedError, WireError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _chosen(config: Config, name: str | None) -> Account:
    """The key to log in. Raises ConfigError."""
    if config.sandbox is not None:
        raise ConfigError("PAILITAO_SANDBOX is on, and its tokens need no login; unset it")
    accounts = accounts_of(config)
    able = {each.config.name: each for each in accounts if _has_login(each)}
    if not able:
        spoken = ", ".join(sorted({each.dialect.name for each in accounts}))
        raise ConfigError(f"{spoken} has no login: its keys work as they are set")
    if name is None and len(able) == 1:
        return next(iter(able.values()))
    if name not in able:
        said = "there are several keys" if name is None else f"no key {name} has a login"
        raise ConfigError(f"{said}; give --key {' or --key '.join(able)}")
    return able[name]


def _has_login(account: Account) -> bool:
    return account.dialect.token_url is not None and "app_key" in account.dialect.needs


# the code


def _code(account: Account, options: argparse.Namespace) -> str:
    """Raises ConfigError for what holds no code, or another login's."""
    if options.code is not None:
        return _code_in(options.code, None)
    state = secrets.token_urlsafe(16)
    url = login_url(account.credential, options.redirect, state)
    sys.stdout.write(
        f"Open this address in a browser, and let the app in:\n\n{url}\n\n"
        f"The browser is then sent to {options.redirect}, which need not answer.\n"
    )
    sys.stdout.flush()
    sys.stderr.write("Paste the whole address that it was sent to, within two minutes: ")
    sys.stderr.flush()
    return _code_in(_line(), state)


def _line() -> str:
    """What is typed; nothing where there is nobody, or no text comes."""
    try:
        typed = sys.stdin.readline()
    except (OSError, ValueError):
        typed = ""
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    return typed


def _code_in(text: str, state: str | None) -> str:
    """Of a code, or of the address that the browser was sent to."""
    text = text.strip()
    if not text:
        raise ConfigError("no code was given; run scrapy pailitao login again")
    if "code=" not in text and "://" not in text:
        return text
    try:
        found = parse_qs(urlsplit(text).query or text)
    except ValueError as error:
        raise ConfigError("this address cannot be read; paste it whole") from error
    if state is not None and found.get("state", [state])[0] != state:
        raise ConfigError(
            "this address belongs to another login (its state differs); open the address that was "
            "printed now"
        )
    if "code" not in found:
        raise ConfigError(
            "this address holds no code: the app was not let in; run scrapy pailitao login again"
        )
    return found["code"][0]


# the tokens


async def _logged_in(
    config: Config, settings: BaseSettings, account: Account, code: str, redirect: str
) -> None:
    """The code serves once: where its tokens go is looked at before."""
    file = account.token_file()
    if not is_writable(file.path.parent):
        raise ConfigError(
            f"{file.path.parent} is not writable, and tokens could not be kept; make it so, or set "
            "XDG_STATE_HOME"
        )
    async with _redis(config, settings) as link:
        token = _token_of(await _exchanged(account, code, redirect))
        try:
            file.keep(token)
        except OSError as error:
            raise ConfigError(f"{file.path}: tokens cannot be kept ({error.strerror})") from error
        if link is not None:
            from pailitao_spider.cluster.shared.tokens import keep_login

            await keep_login(link, account, token)
    sys.stdout.write(f"{_told(account, token, link is not None)}\n")


@asynccontextmanager
async def _redis(config: Config, settings: BaseSettings) -> AsyncIterator[Link | None]:
    """The workers' Redis, where PAILITAO_CLUSTER is on. Raises ConfigError."""
    if not config.cluster:
        yield None
        return
    from pailitao_spider.cluster.redis.client import Link
    from pailitao_spider.cluster.redis.server_checks import open_client

    link = Link(await open_client(settings))
    try:
        yield link
    finally:
        await link.close()


async def _exchanged(account: Account, code: str, redirect: str) -> Renewed:
    """Raises RefusedError and WireError."""
    form = code_form(account.token_url or "", account.credential, code, redirect)
    answer = await answered(form)
    outcome = renewed(answer.status, answer.body)
    if isinstance(outcome, Refusal):
        raise RefusedError(
            f"key {account.config.name}: the gateway refuses the code: {outcome.code} "
            f"{outcome.text}; a code serves once and for two minutes, and --redirect must be as in "
            "your app's console"
        )
    return outcome.dated(time.time())


def _token_of(given: Renewed) -> Token:
    return Token(
        given.access_token,
        given.refresh_token,
        renew_at=given.renew_at,
        ends_at=given.refresh_expires_at,
    )


def _told(account: Account, token: Token, is_shared: bool) -> str:
    if token.refresh is None:
        until = f"until {_local(token.renew_at)}: nothing renews its token"
    else:
        until = f"until {_local(token.ends_at)}; its access token is renewed meanwhile"
    shared = " and in Redis for all workers" if is_shared else ""
    return (
        f"key {account.config.name}: logged in {until}\n"
        f"the tokens are kept in {account.token_file().path}{shared}, and are used as long as "
        "PAILITAO_ACCESS_TOKEN and PAILITAO_REFRESH_TOKEN stay as they are set now"
    )


def _local(moment: float | None) -> str:
    if moment is None:
        return "some day that the gateway did not tell"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
