"""Answers in another gateway's tongue: the URL or the dialect is set wrongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass

__all__ = ["shapeless", "speaker"]


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda answer: all(name in answer for name in names)


_SPEAKERS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("router", _has("error_response")),
    ("onebound", _has("error_code", "api_info")),
    ("onebound", _has("error_code", "reason")),
    ("router", _has("code", "items")),
    ("tmapi", lambda answer: "code" in answer and bool(answer.get("data"))),
    ("imagequery or linkplus", _has("error_code", "error_message")),
    (
        "imagequery or linkplus",
        lambda answer: isinstance(answer.get("result"), dict) and "success" in answer["result"],
    ),
)


def speaker(answer: Mapping[str, Any]) -> str | None:
    """The dialect whose envelope this is; None for one that nobody speaks."""
    return next((name for name, speaks in _SPEAKERS if speaks(answer)), None)


def shapeless(answer: Mapping[str, Any], ours: str, why: str) -> Refusal:
    """What to make of an answer that is not in our dialect's envelope.

    Another dialect's is DENIED, since no further try will be understood; any other is TRANSIENT.
    """
    theirs = speaker(answer)
    if theirs is None or ours in theirs:
        return Refusal(RefusalClass.TRANSIENT, "shape", why)
    return Refusal(
        RefusalClass.DENIED,
        "dialect",
        f"this is an answer of {theirs}, not of {ours}",
        remedy="check PAILITAO_GATEWAY and PAILITAO_URL",
        cause=Cause.SETTINGS,
    )
