"""Every stat key that this project writes. docs/reference.md lists them."""

from __future__ import annotations

__all__ = [
    "CALLS",
    "CALLS_BILLED",
    "GATE_WAIT_SECONDS",
    "LEASES_ACKED",
    "LEASES_BURIED",
    "LEASES_RECLAIMED",
    "LEASES_TAKEN",
    "OFFERS_DUPLICATE",
    "OFFERS_FILTERED",
    "OFFERS_NEW",
    "OFFERS_REJECTED",
    "PAGES",
    "PICTURES_UPLOADED",
    "ROWS",
    "SEEDS_IN_VAIN",
    "SEEDS_KNOWN",
    "SEEDS_NOT_SHOWN",
    "SEEDS_SAME_PICTURE",
    "SHORT_OF",
    "SHORT_SEEN",
    "SQL_BEHIND",
    "SQL_HISTORY",
    "SQL_LEFT_OUT",
    "SQL_MATCHES",
    "SQL_OFFERS",
    "SQL_SEEDS",
    "TOKEN_REFRESHED",
    "drift",
    "field_unreadable",
    "refused",
    "seeds",
]

CALLS = "pailitao/calls"
CALLS_BILLED = "pailitao/calls/billed"
GATE_WAIT_SECONDS = "pailitao/gate/wait_seconds"
LEASES_ACKED = "pailitao/leases/acked"
LEASES_BURIED = "pailitao/leases/buried"
LEASES_RECLAIMED = "pailitao/leases/reclaimed"
LEASES_TAKEN = "pailitao/leases/taken"
OFFERS_DUPLICATE = "pailitao/offers/duplicate"
OFFERS_FILTERED = "pailitao/offers/filtered"
OFFERS_NEW = "pailitao/offers/new"
OFFERS_REJECTED = "pailitao/offers/rejected"
PAGES = "pailitao/pages"
PICTURES_UPLOADED = "pailitao/pictures/uploaded"
ROWS = "pailitao/rows"
SEEDS_IN_VAIN = "pailitao/seeds/in_vain"
SEEDS_KNOWN = "pailitao/seeds/known"
SEEDS_NOT_SHOWN = "pailitao/seeds/not_shown"
SEEDS_SAME_PICTURE = "pailitao/seeds/same_picture"
SHORT_OF = "pailitao/coverage/expected"
SHORT_SEEN = "pailitao/coverage/seen"
SQL_BEHIND = "pailitao/sql/behind"
SQL_HISTORY = "pailitao/sql/history"
SQL_LEFT_OUT = "pailitao/sql/left_out"
SQL_MATCHES = "pailitao/sql/matches"
SQL_OFFERS = "pailitao/sql/offers"
SQL_SEEDS = "pailitao/sql/seeds"
TOKEN_REFRESHED = "pailitao/token/refreshed"  # noqa: S105


def drift(kind: str, name: str) -> str:
    """Rows with a member that nobody documents (`unknown`) or of another type (`flipped`)."""
    return f"pailitao/drift/{kind}/{name}"


def seeds(status: str) -> str:
    """Seeds that ended so: done, empty, partial, failed."""
    return f"pailitao/seeds/{status}"


def refused(kind: str) -> str:
    """Answers of a refusal class."""
    return f"pailitao/refused/{kind}"


def field_unreadable(name: str) -> str:
    """Rows in which this field could not be read."""
    return f"pailitao/fields/unreadable/{name}"
