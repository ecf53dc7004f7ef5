"""Runs at the same time on one key whose refresh token serves once: nobody has to log in again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.oauth import Renewed
from pailitao_spider.keys.rate_limiter import GateClosedError
from pailitao_spider.keys.token_file import TokenFile
from pailitao_spider.keys.tokens import LocalTokens, Token
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.server import Site
from tests.crawling import Crawled, Crawler
from tests.test_faults import Serve, photo, rows_of, with_faults

CONFIGURED = Token("access", "refresh-0")


class Rotating:
    """A gateway that gives a new refresh token with each refresh, and forgets the old one."""

    def __init__(self) -> None:
        self.refresh, self.asked = "refresh-0", list[str]()

    async def fetch(self, refresh_token: str) -> Renewed:
        self.asked.append(refresh_token)
        await asyncio.sleep(0.02)
        if refresh_token != self.refresh:
            raise RefusedError("denied: HTTP 400 invalid_grant")
        number = len(self.asked)
        self.refresh = f"refresh-{number}"
        return Renewed(f"access-{number}", self.refresh)


def file_in(folder: Path) -> TokenFile:
    return TokenFile.of(folder, "key", CONFIGURED)


def run_in(folder: Path, is_locked: bool = True) -> LocalTokens:
    """The tokens of one more run."""
    file = file_in(folder)
    if not is_locked:
        return LocalTokens(file.newest(), file.keep, CONFIGURED, newest=file.newest)
    return LocalTokens(
        file.newest(), file.keep, CONFIGURED, newest=file.newest, lock=lambda: file.locked()
    )


def test_of_two_runs_that_renew_at_once_one_asks_and_both_have_the_new_token(
    tmp_path: Path,
) -> None:
    gateway = Rotating()

    async def scenario() -> list[Token]:
        runs = [run_in(tmp_path) for _ in range(4)]
        return await asyncio.gather(*(each.renew(0, gateway.fetch) for each in runs))

    assert asyncio.run(scenario()) == [Token("access-1", "refresh-1", 1)] * 4
    assert gateway.asked == ["refresh-0"]


def test_many_rounds_of_several_runs_are_refused_nothing(tmp_path: Path) -> None:
    gateway = Rotating()

    async def run(rounds: int) -> str | None:
        tokens = run_in(tmp_path)
        for _ in range(rounds):
            token = await tokens.renew((await tokens.current()).version, gateway.fetch)
        return token.access

    async def scenario() -> list[str | None]:
        return await asyncio.gather(*(run(5) for _ in range(3)))

    asyncio.run(scenario())
    assert gateway.asked == [f"refresh-{number}" for number in range(len(gateway.asked))]
    assert file_in(tmp_path).newest().refresh == gateway.refresh


@pytest.mark.parametrize("ahead", [False, True])
def test_a_refusal_counts_only_while_the_refresh_token_is_the_same(
    tmp_path: Path, ahead: bool
) -> None:
    """Even where nothing can be locked."""
    gateway = Rotating()

    async def scenario() -> list[Token]:
        runs = [run_in(tmp_path, is_locked=False) for _ in range(2)]
        return await asyncio.gather(*(each.renew(0, gateway.fetch, ahead=ahead) for each in runs))

    assert [token.access for token in asyncio.run(scenario())] == ["access-2"] * 2
    assert gateway.asked == ["refresh-0"] * 2


def test_a_refresh_token_that_nobody_renewed_is_refused_and_told(tmp_path: Path) -> None:
    gateway = Rotating()
    gateway.refresh = "another"

    async def scenario() -> None:
        tokens = run_in(tmp_path)
        for _ in range(2):
            with pytest.raises(RefusedError, match="invalid_grant"):
                await tokens.renew(0, gateway.fetch)

    asyncio.run(scenario())
    assert gateway.asked == ["refresh-0"]


def test_a_token_that_could_not_be_kept_is_not_taken_for_an_older_one(tmp_path: Path) -> None:
    gateway, file = Rotating(), file_in(tmp_path)
    file.keep(Token("access-old", "refresh-0"))

    async def scenario() -> Token:
        tokens = LocalTokens(file.newest(), lambda token: None, CONFIGURED, newest=file.newest)
        await tokens.renew(0, gateway.fetch)
        return await tokens.renew(1, gateway.fetch)

    assert asyncio.run(scenario()) == Token("access-2", "refresh-2", 2)


def test_who_waits_for_another_run_s_renewal_stops_when_its_own_run_ends(tmp_path: Path) -> None:
    file, ends = file_in(tmp_path), list[bool]()

    async def scenario() -> None:
        async with file.locked():
            with pytest.raises(GateClosedError):
                async with file.locked(lambda: len(ends) > 1 or ends.append(True) or False):
                    raise AssertionError("two hold it")
        async with file.locked():
            pass

    asyncio.run(scenario())


def test_where_nothing_can_be_written_no_lock_holds_anybody_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def scenario() -> None:
        file = file_in(tmp_path / "file" / "folder")
        async with file.locked(), file.locked():
            pass

    asyncio.run(scenario())


def test_two_crawls_at_once_on_one_key_are_neither_stopped(
    serve_sandbox: Serve, crawler: Crawler, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site: Site = with_faults(serve_sandbox, account=Account(token_life_seconds=1.2))
    other = Crawler(tmp_path_factory.mktemp("other"))
    for each in (crawler, other):
        each.use(site, rate=6)
        each.env["XDG_STATE_HOME"] = str(crawler.folder / "state")
        each.seeds(*map(photo, range(20)))
    processes = [each.start() for each in (crawler, other)]
    logs = [process.communicate(timeout=90)[0] for process in processes]
    for each, process, log in zip((crawler, other), processes, logs, strict=True):
        ended = Crawled(process.returncode, log, each.folder)
        assert ended.exit_code == 0, ended.log
        assert ended.statuses == {"done": 20}
        assert set(ended.ids) == {iid for number in range(20) for iid in rows_of(number)}
    assert site.gateway.log.by_method["token"] >= 2
