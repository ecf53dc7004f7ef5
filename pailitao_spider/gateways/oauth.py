"""Access tokens by OAuth 2, RFC 6749: a login's code for the first, section 6 for the next.

Unsigned, without I/O. The login page and `refresh_token_timeout` are 1688's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlencode

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.calls import Credential, Form
from pailitao_spider.gateways.json_bodies import decode, first, whole_number
from pailitao_spider.gateways.openplatform.signed_calls import unix_seconds
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass

__all__ = ["Renewed", "code_form", "login_url", "refresh_form", "renewed"]

_AHEAD_SECONDS = 60.0
_AHEAD_SHARE = 0.1
_LOGIN_PAGE = "https://auth.1688.com/oauth/authorize"

# RFC 6749 section 5.2; some gateways send them under HTTP 200.
_FINAL = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
_ABOUT_CLIENT = ("invalid_client", "gw.appkey", "gw.signature")
_BUSY = "gw.qos"
_REMEDIES = {
    Cause.TOKEN: "log in again and set PAILITAO_ACCESS_TOKEN and PAILITAO_REFRESH_TOKEN",
    Cause.SECRET: "check PAILITAO_APP_KEY and PAILITAO_APP_SECRET",
}


@dataclass(frozen=True, slots=True)
class Renewed:
    """The answer to a refresh or a login. No `refresh_token` means: keep the old one."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in_seconds: int | None = None
    refresh_expires_at: float | None = None
    """When a person has to log in again, unix seconds."""
    renew_at: float | None = None
    """From when on it is better renewed than used, unix seconds; `dated` says."""

    def dated(self, now: float) -> Self:
        """The same, received at `now`: it is to be renewed a minute ahead of its end, or a tenth
        of a short life.
        """
        life = self.expires_in_seconds
        if life is None:
            return self
        return replace(self, renew_at=now + life - min(_AHEAD_SECONDS, life * _AHEAD_SHARE))


def login_url(credential: Credential, redirect_uri: str, state: str) -> str:
    """Where a person lets the app in; the browser comes back with `code` and `state`."""
    query = {
        "client_id": credential.app_key,
        "site": "1688",
        "redirect_uri": redirect_uri,
        "state": state,
    }
    return f"{_LOGIN_PAGE}?{urlencode(query)}"


def code_form(url: str, credential: Credential, code: str, redirect_uri: str) -> Form:
    """The POST that turns a login's code into the first tokens."""
    return _form(
        url,
        credential,
        grant_type="authorization_code",
        need_refresh_token="true",  # noqa: S106
        redirect_uri=redirect_uri,
        code=code,
    )


def refresh_form(url: str, credential: Credential, refresh_token: str) -> Form:
    """The POST that asks for a new access token."""
    return _form(url, credential, grant_type="refresh_token", refresh_token=refresh_token)


def _form(url: str, credential: Credential, **params: str) -> Form:
    params |= {"client_id": credential.app_key, "client_secret": credential.app_secret}
    return Form(url, urlencode(params).encode())


def renewed(status: int, body: bytes) -> Renewed | Refusal:
    """New tokens; DENIED when the refresh token is dead; TRANSIENT when it may go better."""
    try:
        answer = decode(body)
    except AnswerError:  # its text shows the body, which may hold a token
        return _refusal(status, "an answer that is no JSON")
    access_token = first(answer, "access_token")
    if status < 400 and isinstance(access_token, str):
        refresh_token = first(answer, "refresh_token")
        return Renewed(
            access_token,
            refresh_token if isinstance(refresh_token, str) else None,
            whole_number(first(answer, "expires_in")),
            unix_seconds(first(answer, "refresh_token_timeout")),
        )
    return _refusal(status, _words(answer), str(first(answer, "error", "error_code") or ""))


def _words(answer: Any) -> str:
    """Only what names the error: an odd answer could hold a token."""
    said = first(answer, "error_description", "error_message", "error", "error_code", "msg")
    return str(said)[:200] if said is not None else "an answer without a token"


def _refusal(status: int, text: str, error: str = "") -> Refusal:
    error = error.lower()
    is_about_client = error.startswith(_ABOUT_CLIENT)
    is_final = is_about_client or error in _FINAL or status in (400, 401, 403)
    if not is_final or error.startswith(_BUSY):
        return Refusal(RefusalClass.TRANSIENT, f"HTTP {status}", text)
    cause = Cause.SECRET if is_about_client else Cause.TOKEN
    return Refusal(
        RefusalClass.DENIED, f"HTTP {status}", text, remedy=_REMEDIES[cause], cause=cause
    )
