"""What a refusal means. Every answer that is no page falls into exactly one class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "BAD_PARAMETER",
    "BAD_SEED",
    "DEAD_TOKEN",
    "STATUSES",
    "THROTTLED",
    "TRANSIENT",
    "UNKNOWN",
    "Cause",
    "Meaning",
    "Refusal",
    "RefusalClass",
    "ban_seconds",
    "denied",
    "retry_after_seconds",
    "status_meaning",
    "vague",
]


class RefusalClass(StrEnum):
    """What the client does about it."""

    THROTTLED = "throttled"
    """Slow down this key everywhere, try again later; no failure."""
    SPENT = "spent"
    """The day's or the bought quota is gone: rest this key until it is whole again."""
    TOKEN = "token"  # noqa: S105  a class name, not a password
    """One refresh for all, then replay with a fresh signature."""
    DENIED = "denied"
    """Permission, signature, key, clock: stop with the reason and the remedy."""
    BAD_SEED = "bad_seed"
    """This picture or parameter: its seed fails, nothing else is touched."""
    TRANSIENT = "transient"
    """Try again with backoff; after the last try the page is reported."""


class Cause(StrEnum):
    """What a person has to look at."""

    KEY = "key"
    SECRET = "secret"  # noqa: S105
    CLOCK = "clock"
    TOKEN = "token"  # noqa: S105
    PERMISSION = "permission"
    QUOTA = "quota"
    NETWORK = "network"
    SETTINGS = "settings"
    """Gateway, URL, namespace or option: something else than this gateway was asked."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gateway's no. `text` is the gateway's own word, `remedy` what a person can do.

    `wait_seconds` says for how long; of a SPENT one None is until midnight, `day_hours` ahead of
    UTC (Beijing's), infinity until somebody buys calls.
    """

    kind: RefusalClass
    code: str
    text: str
    wait_seconds: float | None = None
    remedy: str = ""
    request_id: str | None = None
    cause: Cause | None = None
    day_hours: int = 8
    billed: bool = False
    """The gateway charges for this answer all the same."""
    is_known: bool = True
    """Code or words tell what it is about. Of one that is not known, a few for picture after
    picture are the run's trouble, and one for a further page may be its way to say "no more".
    """

    @property
    def reason(self) -> str:
        """One line for the ledger: class, code and the gateway's words."""
        return f"{self.kind}: {self.code} {self.text}".strip()


class Meaning(NamedTuple):
    """What a code means: the class, whose matter it is, what a person can do, how long to wait."""

    kind: RefusalClass
    cause: Cause | None = None
    remedy: str = ""
    wait_seconds: float | None = None
    is_known: bool = True
    is_vague: bool = False
    """The code stands for more than one cause: the words decide (`wording.decided`)."""


def vague(meaning: Meaning) -> Meaning:
    """The same, unless the words say otherwise."""
    return meaning._replace(is_vague=True)


def denied(cause: Cause, remedy: str = "") -> Meaning:
    """A person has to do something."""
    return Meaning(RefusalClass.DENIED, cause, remedy)


BAD_SEED = Meaning(RefusalClass.BAD_SEED)
BAD_PARAMETER = vague(BAD_SEED)
"""Some parameter: the picture's matter only where the words name the picture."""
DEAD_TOKEN = Meaning(RefusalClass.TOKEN, Cause.TOKEN)
THROTTLED = Meaning(RefusalClass.THROTTLED, Cause.QUOTA)
TRANSIENT = Meaning(RefusalClass.TRANSIENT)
UNKNOWN = Meaning(RefusalClass.TRANSIENT, is_known=False)
"""Nobody knows what it is about: another try may tell."""
STATUSES: dict[int, Meaning] = dict.fromkeys(
    (301, 302, 303, 307, 308, 404, 405, 410),
    denied(Cause.SETTINGS, "check PAILITAO_URL and PAILITAO_GATEWAY"),
) | {429: THROTTLED}
"""What an HTTP status means where the body tells nothing; any other is transient."""


def status_meaning(status: int, statuses: Mapping[int, Meaning] = STATUSES) -> Meaning | None:
    """What an HTTP status says beside a body; None where it says nothing, as 200 and 400 do."""
    return statuses.get(status) or (TRANSIENT if status >= 500 else None)


_SECONDS = re.compile(r"\d+(?:\.\d*)?", re.ASCII)
_LONGEST_SECONDS = 1e9
_BAN = re.compile(r"ban will last for (\d{1,9}) more seconds", re.IGNORECASE)


def ban_seconds(text: str) -> float | None:
    """The wait that TOP writes into its text: "This ban will last for N more seconds"."""
    found = _BAN.search(text)
    return float(found[1]) if found else None


def retry_after_seconds(header: str | None, date: str | None = None) -> float | None:
    """`Retry-After` in seconds; its date form is told by the `Date` of the same answer.

    A moment that has passed is 0.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_SECONDS)
    try:
        wait = (parsedate_to_datetime(text) - parsedate_to_datetime(date or "")).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), _LONGEST_SECONDS)
