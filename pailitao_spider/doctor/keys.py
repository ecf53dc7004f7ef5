"""One key at its gateway: a free call or two that prove key, secret, clock, token and permission.

The search that is sent names no picture. A gateway that refuses nothing but that has accepted all
the rest, and charges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from pailitao_spider.config.credentials import where_it_is_set
from pailitao_spider.config.setting_table import Config
from pailitao_spider.doctor.findings import Finding, Verdict, note, right, without, wrong
from pailitao_spider.doctor.outcomes import finding_of
from pailitao_spider.doctor.renewal import NotRenewedError, Renewal
from pailitao_spider.doctor.wire import Answer, WireError, answered
from pailitao_spider.gateways.calls import Credential, PictureRef, SearchCall
from pailitao_spider.gateways.charsets import in_utf8
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.reading import read_page
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.tokens import Token

__all__ = ["Newest", "apart", "examine"]

_NOTED_SECONDS = 60.0
_WRONG_SECONDS = 300.0  # the router allows ten minutes, and nobody promises them
_REMEDY = "set this machine's clock (timedatectl set-ntp true)"


def apart(ahead_seconds: float) -> Finding:
    """`ahead_seconds` is how far the gateway's clock is ahead of this machine's."""
    seconds = abs(ahead_seconds)
    text = f"this machine and the gateway differ by {int(seconds)} s"
    if seconds <= _NOTED_SECONDS:
        return right("clock", text)
    text = f"this machine is {int(seconds)} s {'behind' if ahead_seconds > 0 else 'ahead of'} "
    text += "the gateway"
    return (wrong if seconds > _WRONG_SECONDS else note)("clock", text, _REMEDY)


Newest = Callable[[Account], Awaitable[Token]]
"""The newest tokens of a key that many workers share."""

_WARN_DAYS = 7
_FEW_ROWS = 20
_HALF_SECOND = 0.5  # gateways tell whole seconds
_ABOUT_WHO = (Cause.KEY, Cause.SECRET, Cause.CLOCK)


async def examine(account: Account, config: Config, newest: Newest | None = None) -> list[Finding]:
    """What is right and wrong with a key. `newest` says that workers share its tokens and renew
    them: then nothing is renewed here.
    """
    made = _Examination(account, config)
    try:
        await made.run(newest)
    except WireError as error:
        made.say(wrong(error.cause, error.what, error.remedy))
    return made.findings


class _Examination:
    def __init__(self, account: Account, config: Config) -> None:
        self.findings: list[Finding] = []
        self._account = account
        self._config = config
        self._secrets: set[str | None] = {account.credential.app_secret}

    async def run(self, newest: Newest | None) -> None:
        renewal = Renewal(self._account)
        token = await (newest(self._account) if newest else renewal.current())
        self._watch(token)
        if not await self._has_key():
            return
        outcome = await self._searched(token)
        if _is_about_token(outcome) and newest is not None:
            self.say(_left_to_the_crawl() if token.refresh else renewal.dead(token, outcome))
            return
        while _is_about_token(outcome) and not renewal.is_over:
            try:
                token = await renewal.after(token, outcome)
            except NotRenewedError as error:
                self.say(error.finding)
                return
            self._watch(token)
            for told in renewal.news():
                self.say(told)
            outcome = await self._searched(token)
        self._tell(outcome)

    def say(self, finding: Finding) -> None:
        """With the key's name before it; a key of a file is corrected in that file."""
        remedy = where_it_is_set(finding.remedy, self._config)
        text = f"key {self._account.config.name}: {finding.text}"
        told = Finding(finding.verdict, finding.subject, text, remedy)
        self.findings.append(without(self._secrets, told))

    def _watch(self, token: Token) -> None:
        """What must not be printed; and a refresh token that ends soon."""
        configured = self._account.configured
        self._secrets |= {token.access, token.refresh, configured.access, configured.refresh}
        if token.ends_at is not None and token.ends_at - time.time() < _WARN_DAYS * 86400:
            day = time.strftime("%Y-%m-%d", time.localtime(token.ends_at))
            login = f"scrapy pailitao login --key {self._account.config.name}"
            self.say(
                note(Cause.TOKEN, f"the refresh token ends on {day}", f"before it run {login}")
            )

    # key, secret, clock

    async def _has_key(self) -> bool:
        """Asks the open platform for its time; where there is no such call, the search tells."""
        form_of = getattr(self._account.dialect, "clock_form", None)
        if form_of is None:
            return True
        form = form_of(self._account.url, self._account.credential, time.time())
        answer = await answered(form, is_direct=self._account.is_invented)
        told: float | None = self._account.dialect.clock_of(answer.body)  # type: ignore[attr-defined]
        if told is not None:
            self._clock(_HALF_SECOND + told - answer.at)
            self.say(right(Cause.SECRET, "the gateway accepts key and secret"))
            return True
        outcome = self._read(answer)
        if isinstance(outcome, Page) or outcome.cause not in _ABOUT_WHO:
            return True
        self._compare(answer)
        self._tell(outcome)
        return False

    def _compare(self, answer: Answer) -> None:
        if answer.date is not None:
            self._clock(_HALF_SECOND + answer.date - answer.at)

    def _clock(self, ahead_seconds: float) -> None:
        if not any(each.subject == "clock" for each in self.findings):
            self.say(apart(ahead_seconds))

    # the search

    async def _searched(self, token: Token) -> Page | Refusal:
        spoken, known = self._account.dialect, self._account.credential
        credential = Credential(known.app_key, known.app_secret, token.access)
        call = SearchCall(
            picture=PictureRef(url=""), page_size=min(_FEW_ROWS, spoken.limits.page_size)
        )
        form = spoken.search_form(self._account.url, call, "", credential, time.time())
        answer = await answered(form, is_direct=self._account.is_invented)
        outcome = self._read(answer)
        if _is_of_gateway(outcome):
            self._compare(answer)
        return outcome

    def _read(self, answer: Answer) -> Page | Refusal:
        body = in_utf8(answer.body, answer.headers)
        call = SearchCall(picture=PictureRef())
        return read_page(self._account.dialect, answer.status, answer.headers, body, call)

    def _tell(self, outcome: Page | Refusal) -> None:
        if isinstance(outcome, Page) or outcome.kind is RefusalClass.BAD_SEED:
            self.say(right(Cause.PERMISSION, "searches are let through: all is right with it"))
        elif outcome.cause is not Cause.CLOCK or not self._is_clock_wrong:
            self.say(finding_of(outcome, self._account.url))

    @property
    def _is_clock_wrong(self) -> bool:
        """It was measured, and told."""
        return any(
            each.subject == "clock" and each.verdict is Verdict.WRONG for each in self.findings
        )


def _left_to_the_crawl() -> Finding:
    return note(
        Cause.TOKEN,
        "the access token is refused; the crawl will renew it",
        "nothing was renewed here, since the workers share their tokens",
    )


def _is_about_token(outcome: Page | Refusal) -> bool:
    return isinstance(outcome, Refusal) and outcome.kind is RefusalClass.TOKEN


def _is_of_gateway(outcome: Page | Refusal) -> bool:
    """The answer is the gateway's own, and so is its date; a proxy's says nothing."""
    if isinstance(outcome, Page):
        return True
    return outcome.kind is not RefusalClass.TRANSIENT and outcome.cause is not Cause.SETTINGS
