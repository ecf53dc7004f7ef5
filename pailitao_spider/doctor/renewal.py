"""A dead access token, renewed as a crawl would renew it, and the new tokens kept."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pailitao_spider.doctor.findings import Finding, right, wrong
from pailitao_spider.doctor.outcomes import finding_of, said
from pailitao_spider.doctor.wire import answered
from pailitao_spider.errors import PailitaoError, RefusedError
from pailitao_spider.gateways.oauth import Renewed, refresh_form, renewed
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Cause, Refusal
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.tokens import LocalTokens, Token

__all__ = ["NotRenewedError", "Renewal"]


class NotRenewedError(PailitaoError):
    """No new token could be had."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


class Renewal:
    """The tokens of one key: the kept ones, then the configured ones, then renewed ones."""

    def __init__(self, account: Account) -> None:
        self._account = account
        file = account.token_file()
        shared = {} if account.is_invented else {"newest": file.newest, "lock": file.locked}
        self._tokens = LocalTokens(account.newest(), self._keep, account.configured, **shared)  # type: ignore[arg-type]
        self._refused: Refusal | None = None
        self._news: list[Finding] = []

    @property
    def is_over(self) -> bool:
        """A new token was had; when it is refused too, another one would be no better."""
        return self._tokens.renewals > 0

    async def current(self) -> Token:
        return await self._tokens.current()

    async def after(self, token: Token, outcome: Page | Refusal) -> Token:
        """The tokens to try after `token` met `outcome`. Raises NotRenewedError and WireError."""
        try:
            return await self._tokens.renew(token.version, self._fetch)
        except RefusedError as error:
            raise NotRenewedError(self.dead(token, outcome)) from error

    def news(self) -> Iterator[Finding]:
        """What is to be told of new tokens, once."""
        while self._news:
            yield self._news.pop(0)

    def dead(self, token: Token, outcome: Page | Refusal) -> Finding:
        """Why there is no token that works, and whose matter that is."""
        refused = self._refused
        if refused is not None and refused.cause is not Cause.TOKEN:
            return finding_of(refused, self._account.token_url or "")
        word = said(outcome) if isinstance(outcome, Refusal) else ""
        if token.access is None:
            text = f"no access token is set, and the gateway wants one ({word})"
        elif refused is None:
            text = f"the access token is refused ({word}), and nothing renews it"
        else:
            text = f"the access token is refused ({word}), and its renewal too ({said(refused)})"
        return wrong(Cause.TOKEN, text, self._remedy)

    def _keep(self, token: Token) -> None:
        if self._account.is_invented:
            self._news.append(right(Cause.TOKEN, "the access token was dead and has been renewed"))
            return
        file = self._account.token_file()
        try:
            file.keep(token)
        except OSError as error:
            text = f"the new tokens cannot be kept in {file.path} ({error.strerror})"
            remedy = f"make that folder writable, or set XDG_STATE_HOME; then {self._login}"
            self._news.append(wrong(Cause.SETTINGS, text, remedy))
        else:
            text = f"the access token was dead; it has been renewed and is kept in {file.path}"
            self._news.append(right(Cause.TOKEN, text))

    async def _fetch(self, refresh_token: str) -> Renewed:
        """Raises RefusedError and WireError."""
        account = self._account
        if account.token_url is None:
            raise RefusedError("token: this gateway renews none")
        form = refresh_form(account.token_url, account.credential, refresh_token)
        answer = await answered(form, is_direct=account.is_invented)
        outcome = renewed(answer.status, answer.body)
        if isinstance(outcome, Refusal):
            self._refused = outcome
            raise RefusedError(outcome.reason)
        return outcome.dated(time.time())

    @property
    def _login(self) -> str:
        return f"run scrapy pailitao login --key {self._account.config.name}"

    @property
    def _remedy(self) -> str:
        if self._account.token_url is None:
            return "set a new PAILITAO_ACCESS_TOKEN"
        return f"{self._login}, or set a new PAILITAO_ACCESS_TOKEN and PAILITAO_REFRESH_TOKEN"
