"""An account that the sandbox knows: its key, its secret, and tokens that die and renew."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Account", "GrantError"]

FOREVER_SECONDS = 36_000  # what a token without end claims
LOGIN_CODE = "sandbox-code"


class GrantError(Exception):
    """A refresh that RFC 6749 answers with `invalid_grant` or a like error."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


class Account:
    """One key. A refresh gives a new access token and a new refresh token; the old ones die.

    `code` is what a login gives, besides the one that every account has, `sandbox-code`; here
    both can be used again and again. Without permission no API is allowed.
    """

    def __init__(
        self,
        app_key: str = "sandbox",
        secret: str = "sandbox-secret",  # noqa: S107 - known to everyone by intent
        access_token: str = "sandbox-token",  # noqa: S107
        refresh_token: str = "sandbox-refresh",  # noqa: S107
        token_life_seconds: float | None = None,
        *,
        code: str = LOGIN_CODE,
        has_permission: bool = True,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self.app_key = app_key
        self.secret = secret
        self.access_token = access_token
        self.refresh_token = refresh_token
        self.token_life_seconds = token_life_seconds
        self.has_permission = has_permission
        self._codes = (LOGIN_CODE, code)
        self._clock = clock
        self._entropy = entropy
        self._born = clock()
        self._revoked = False

    def accepts(self, token: str) -> bool:
        return self._is_alive() and self.holds(token)

    def holds(self, token: str) -> bool:
        """The token is this account's, dead or alive."""
        return _same(token, self.access_token)

    def has_secret(self, secret: str) -> bool:
        return _same(secret, self.secret)

    def revoke(self) -> None:
        """The access token dies now, whatever its age."""
        self._revoked = True

    def refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token URL; raises GrantError."""
        if form.get("grant_type") != "refresh_token":
            raise GrantError("unsupported_grant_type", "only refresh_token is granted here")
        self._check_secret(form)
        if not _same(form.get("refresh_token", ""), self.refresh_token):
            raise GrantError("invalid_grant", "refresh_token is unknown or was used before")
        return self._granted()

    def log_in(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token URL to a login's code; raises GrantError."""
        self._check_secret(form)
        if form.get("code") not in self._codes:
            raise GrantError("invalid_grant", "code is unknown")
        return self._granted()

    def _check_secret(self, form: Mapping[str, str]) -> None:
        if not self.has_secret(form.get("client_secret", "")):
            raise GrantError("invalid_client", "client_secret does not match client_id")

    def _granted(self) -> dict[str, Any]:
        self._rotate()
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": f"{self.token_life_seconds or FOREVER_SECONDS:g}",
        }

    def _is_alive(self) -> bool:
        life = self.token_life_seconds
        return not self._revoked and (life is None or self._clock() < self._born + life)

    def _rotate(self) -> None:
        self.access_token = f"sandbox-token-{self._entropy()}"
        self.refresh_token = f"sandbox-refresh-{self._entropy()}"
        self._born = self._clock()
        self._revoked = False


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
