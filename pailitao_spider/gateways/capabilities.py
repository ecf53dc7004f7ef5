"""What the known gateways can be asked, for who asks one that cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pailitao_spider.gateways.calls import Limits, SearchCall
from pailitao_spider.gateways.protocol import Dialect
from pailitao_spider.gateways.registry import DIALECTS, dialect

__all__ = ["known_by", "silent_on", "table", "those_that", "why_not_taken"]


def those_that(can: Callable[[Limits], bool]) -> str:
    """The names of the known dialects that can, to end a sentence."""
    names = [name for name in DIALECTS if can(dialect(name).limits)]
    return ", ".join(names) or "none"


def known_by(field: str) -> str:
    """The known dialects whose rows tell this field of an offer, to end a sentence."""
    return ", ".join(name for name in DIALECTS if field in dialect(name).shape.tells) or "none"


def silent_on(field: str, gateways: Iterable[str]) -> list[str]:
    """Those of the gateways, by the name that offers have, whose rows do not tell this field.

    One that is not known here may tell it.
    """
    return sorted(
        name for name in set(gateways) & DIALECTS.keys() if field not in dialect(name).shape.tells
    )


_QUESTIONS: dict[str, Callable[[Dialect], str]] = {
    "local photos": lambda each: _pictures(each.limits),
    "URLs of other hosts": lambda each: _urls(each.limits),
    "`sort`": lambda each: "yes" if each.limits.sorts else "its own order",
    "`search_type=2`": lambda each: _yes(2 in each.limits.search_types),
    "`regions=all`": lambda each: _yes(each.limits.regions),
    "`min_similarity`": lambda each: (
        "yes" if "similarity" in each.shape.tells else "after `pailitao similarity`"
    ),
    "price filters": lambda each: _yes("price" in each.shape.tells),
    "`dropship_only`": lambda each: _yes("one_stop_service" in each.shape.tells),
    "postage, landed cost, margin": lambda each: (
        "yes" if "post_fee" in each.shape.tells else "with `--postage`"
    ),
    "`--max-moq`": lambda each: _yes("min_order" in each.shape.tells),
    "sold": lambda each: _sold(each),
    "`--min-repurchase`": lambda each: _yes("repurchase_rate" in each.shape.tells),
    "`--factory`": lambda each: _yes(bool({"is_factory", "seller_badges"} & each.shape.tells)),
    "translated title": lambda each: _yes("title_translated" in each.shape.tells),
    "who sells": lambda each: _yes("seller_nick" in each.shape.tells),
}


def table() -> str:
    """What works with which gateway, as a table in Markdown."""
    names = list(DIALECTS)
    lines = [f"| | {' | '.join(f'`{name}`' for name in names)} |", "|---" * (len(names) + 1) + "|"]
    for question, answer in _QUESTIONS.items():
        told = " | ".join(answer(dialect(name)) for name in names)
        lines.append(f"| {question} | {told} |")
    return "\n".join(lines)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _pictures(limits: Limits) -> str:
    if limits.picture is None:
        return "no"
    return "yes, in the search" if limits.inline else "yes, uploaded once"


def _urls(limits: Limits) -> str:
    if limits.hosts is None:
        return "yes"
    if limits.converts:
        return "yes, converted there"
    return "yes, fetched and uploaded" if limits.picture is not None else "no"


def _sold(spoken: Dialect) -> str:
    if "sales" not in spoken.shape.tells:
        return "no"
    windows = [spoken.shape.sales_window, *spoken.shape.sales_windows.values()]
    return ", ".join(filter(None, windows))


def why_not_taken(call: SearchCall, names: str) -> str:
    """Why none of the gateways `names` can be asked this, and which ones can."""
    picture = call.picture
    if call.region is not None:
        able = those_that(lambda limits: limits.regions)
        return f"{names} knows no regions of a photo; {able} does"
    url = picture.url
    if url is None:
        able = those_that(lambda limits: limits.picture is not None)
        return f"{names} takes pictures by URL only; {able} take uploads"
    able = those_that(lambda limits: limits.picture is not None or limits.takes_url(url))
    if not any(dialect(name).limits.takes_url(url) for name in names.split(", ")):
        return f"{names} takes no pictures from this host; {able} do"
    able = those_that(lambda limits: call.search_type in limits.search_types)
    return f"{names} has no search_type={call.search_type}; {able} has"
