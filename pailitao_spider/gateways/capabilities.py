"""What the known gateways can be asked, for who asks one that cannot."""

from __future__ import annotations

from collections.abc import Callable

from pailitao_spider.gateways.calls import Limits, SearchCall
from pailitao_spider.gateways.registry import DIALECTS, dialect

__all__ = ["those_that", "why_not_taken"]


def those_that(can: Callable[[Limits], bool]) -> str:
    """The names of the known dialects that can, to end a sentence."""
    names = [name for name in DIALECTS if can(dialect(name).limits)]
    return ", ".join(names) or "none"


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
