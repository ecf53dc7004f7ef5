"""The ways in which the gateway says no: why, and how the router's clients are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Refusal", "RefusalError", "Why", "bad_parameter", "no_permission", "plain", "top"]


class Why(StrEnum):
    """What a refusal is about; each face has its own words for it."""

    THROTTLED = "throttled"
    BANNED = "banned"
    SPENT = "spent"
    TOKEN = "token"  # noqa: S105 - no password
    KEY = "key"
    SECRET = "secret"  # noqa: S105
    UNSIGNED = "unsigned"
    CLOCK = "clock"
    PERMISSION = "permission"
    UNSUPPORTED = "unsupported"
    MISSING = "missing"
    PARAMETER = "parameter"
    PICTURE = "picture"
    SERVER = "server"
    DOWN = "down"


@dataclass(frozen=True)
class Refusal:
    """`kind` is the class of the log: throttled, spent, token, denied, bad_seed or transient."""

    kind: str
    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    why: Why = Why.PARAMETER

    @property
    def text(self) -> str:
        """What the router says of it in words."""
        error = self.body.get("error_response", self.body)
        return str(error.get("sub_msg") or error.get("msg") or "")


class RefusalError(Exception):
    """Ends the handling of a call with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.body))
        self.refusal = refusal


def plain(
    kind: str,
    why: Why,
    code: int,
    msg: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    return Refusal(kind, {"code": code, "msg": msg}, status, headers or {}, why)


def top(kind: str, why: Why, code: int, msg: str, sub_code: str = "", sub_msg: str = "") -> Refusal:
    """The form of Taobao's open platform."""
    error: dict[str, Any] = {"code": code, "msg": msg}
    if sub_code:
        error |= {"sub_code": sub_code, "sub_msg": sub_msg}
    return Refusal(kind, {"error_response": error}, why=why)


def bad_parameter(msg: str, why: Why = Why.PARAMETER) -> Refusal:
    return plain("bad_seed", why, 400, msg)


def no_permission() -> Refusal:
    return top(
        "denied", Why.PERMISSION, 11, "Insufficient isv permissions",
        "isv.permission-api-package-limit", "scope ids is not enough for this api",
    )  # fmt: skip
