"""Renewing an access token: OAuth 2, RFC 6749 section 6. Unsigned, without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pailitao_spider.errors import AnswerError
from pailitao_spider.gateways.answers import decode, first, whole_number
from pailitao_spider.gateways.calls import Credential, Form
from pailitao_spider.gateways.refusals import Refusal, RefusalClass

__all__ = ["Renewed", "refresh_form", "renewed"]

# RFC 6749 section 5.2; some gateways send them under HTTP 200.
_FINAL = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
_REMEDY = "log in again and set PAILITAO_ACCESS_TOKEN and PAILITAO_REFRESH_TOKEN"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The answer to a refresh. No `refresh_token` means: keep the old one."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in_seconds: int | None = None


def refresh_form(url: str, credential: Credential, refresh_token: str) -> Form:
    """The POST that asks for a new access token."""
    params = {
        "grant_type": "refresh_token",
        "client_id": credential.app_key,
        "client_secret": credential.app_secret,
        "refresh_token": refresh_token,
    }
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
        )
    return _refusal(status, _words(answer), is_final=first(answer, "error") in _FINAL)


def _words(answer: Any) -> str:
    """Only what names the error: an odd answer could hold a token."""
    said = first(answer, "error_description", "error_message", "error", "error_code", "msg")
    return str(said)[:200] if said is not None else "an answer without a token"


def _refusal(status: int, text: str, is_final: bool = False) -> Refusal:
    if is_final or status in (400, 401, 403):
        return Refusal(RefusalClass.DENIED, f"HTTP {status}", text, remedy=_REMEDY)
    return Refusal(RefusalClass.TRANSIENT, f"HTTP {status}", text)
