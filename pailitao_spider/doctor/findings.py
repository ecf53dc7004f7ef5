"""What was found, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from pailitao_spider.gateways.washing import without_named
from pailitao_spider.offers.values import cleaned

__all__ = ["Finding", "Verdict", "note", "right", "without", "wrong"]

_MOST_LETTERS = 600
_SHORTEST_SECRET = 4


class Verdict(StrEnum):
    RIGHT = "right"
    NOTE = "note"
    """It works, and there is something to know."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is one of settings, seeds, signatures, redis, and for a key besides key, secret,
    clock, token, permission, quota and network. `remedy` says what to do.
    """

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        whole = f"{self.text}; {self.remedy}" if self.remedy else self.text
        return f"{self.verdict:<7}{self.subject:<12}{whole}"


def right(subject: str, text: str) -> Finding:
    return Finding(Verdict.RIGHT, subject, text)


def note(subject: str, text: str, remedy: str = "") -> Finding:
    return Finding(Verdict.NOTE, subject, text, remedy)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Verdict.WRONG, subject, text, remedy)


def without(secrets: Iterable[str | None], finding: Finding) -> Finding:
    """One line of printable text, whatever a gateway said, with none of the secrets in it."""
    hidden = [each for each in secrets if each and len(each) >= _SHORTEST_SECRET]
    hidden += [quote(each, safe="") for each in hidden]
    parts = [finding.text, finding.remedy]
    for each in sorted(hidden, key=len, reverse=True):
        parts = [part.replace(each, "…") for part in parts]
    text, remedy = (cleaned(part)[:_MOST_LETTERS] for part in parts)
    return replace(finding, text=without_named(text), remedy=remedy)
