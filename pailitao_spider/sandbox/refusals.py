"""The ways in which the gateway says no, as its clients are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Refusal", "RefusalError", "bad_parameter", "plain", "top"]


@dataclass(frozen=True)
class Refusal:
    """`kind` is the class of the log: throttled, spent, token, denied, bad_seed or transient."""

    kind: str
    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusalError(Exception):
    """Ends the handling of a call with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.body))
        self.refusal = refusal


def plain(
    kind: str, code: int, msg: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Refusal:
    return Refusal(kind, {"code": code, "msg": msg}, status, headers or {})


def top(kind: str, code: int, msg: str, sub_code: str = "", sub_msg: str = "") -> Refusal:
    """The form of Taobao's open platform."""
    error: dict[str, Any] = {"code": code, "msg": msg}
    if sub_code:
        error |= {"sub_code": sub_code, "sub_msg": sub_msg}
    return Refusal(kind, {"error_response": error})


def bad_parameter(msg: str) -> Refusal:
    return plain("bad_seed", 400, msg)
