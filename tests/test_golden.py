"""Answers as gateways gave them, read to the last value.

`golden/<gateway>/<year>-<what>.json` is an answer, `….expected.json` what is right for it: offers
(all that is told, digits kept), totals, the refusal's class, cause and remedy, or an upload's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.protocol import TakesUploads
from pailitao_spider.gateways.refusals import Refusal
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer
from pailitao_spider.offers.row_table import MISSING, Table
from pailitao_spider.results.lines import ENCODER
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from tests.test_dialects import NOW, Caller

FOLDER = Path(__file__).parent / "golden"
DECODER = msgspec.json.Decoder(float_hook=Decimal)
CATALOGUE = Catalogue()
ANSWERS = sorted(path for path in FOLDER.glob("*/*.json") if ".expected" not in path.name)


def read(path: Path) -> Any:
    return DECODER.decode(path.read_bytes())


def expected_of(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", read(path.with_suffix(".expected.json")))


def told(offer: Any) -> dict[str, Any]:
    """All that an offer says, as it is written."""
    written = DECODER.decode(ENCODER.encode(offer))
    return {name: value for name, value in written.items() if value not in (None, {})}


def seen(path: Path) -> dict[str, Any]:
    """What is made of an answer, in the form of its expected file."""
    expected, spoken = expected_of(path), dialect(path.parent.name)
    status = expected.get("status", 200)
    if "-upload" in path.name:
        found: Any = cast("TakesUploads", spoken).imgid(status, {}, path.read_bytes())
    else:
        found = spoken.page(status, {}, path.read_bytes())
    if isinstance(found, str):
        return {"imgid": found}
    return _of_refusal(found) if isinstance(found, Refusal) else _of_page(found)


def _of_refusal(refusal: Refusal) -> dict[str, Any]:
    made = {"kind": str(refusal.kind), "code": refusal.code, "is_known": refusal.is_known}
    if refusal.cause is not None:
        made["cause"] = str(refusal.cause)
    if refusal.remedy:
        made["remedy"] = refusal.remedy
    return {"refusal": made}


def _of_page(page: Page) -> dict[str, Any]:
    assert (page.unreadable, page.drift) == ([], Drift()), "documented, and said to be odd"
    hints = {"total": page.total, "page_count": page.page_count, "has_next": page.has_next}
    offers = [told(row) for row in page.rows]
    return {name: value for name, value in hints.items() if value is not None} | {"offers": offers}


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_answer_is_read_to_the_last_value(path: Path) -> None:
    expected = expected_of(path)
    assert expected.pop("source"), "where and when it was seen"
    expected.pop("status", None)
    found = seen(path)
    assert found == expected
    assert repr(found) == repr(_in_order(expected, found)), "the digits too"


def _in_order(value: Any, like: Any) -> Any:
    """The same with its members in the order of the other."""
    if isinstance(value, dict):
        return {name: _in_order(value[name], like[name]) for name in like}
    if isinstance(value, list):
        return [_in_order(each, other) for each, other in zip(value, like, strict=True)]
    return value


def test_every_gateway_has_answers_of_its_own() -> None:
    assert {path.parent.name for path in ANSWERS} == set(DIALECTS)
    values = sum(len(offer) for path in ANSWERS for offer in expected_of(path).get("offers", ()))
    assert (len(ANSWERS), values) >= (45, 300)


# the sandbox gives the same shapes


def rows_of(found: Page) -> list[dict[str, Any]]:
    """As they came."""
    return list(getattr(found.content, "raws", ()))


def members(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, type]]:
    table = Table([*rows], dialect(name).shape.nested)
    for member, column in table.columns.items():
        for value in column:
            if value is not MISSING and value is not None:
                yield member, type(value)
    for odd in table.odd.values():
        yield from ((member, type(value)) for member, value in odd.items() if value is not None)


def documented(name: str) -> set[tuple[str, type]]:
    pages = [
        dialect(name).page(200, {}, path.read_bytes())
        for path in ANSWERS
        if path.parent.name == name and "-upload" not in path.name
    ]
    return {
        each for page in pages if isinstance(page, Page) for each in members(name, rows_of(page))
    }


@pytest.mark.parametrize("name", DIALECTS)
def test_a_face_of_the_sandbox_writes_rows_as_its_gateway_does(
    name: str, serve_sandbox: Callable[..., Site]
) -> None:
    caller = Caller(name, serve_sandbox(Gateway(CATALOGUE, clock=lambda: NOW)))
    page = caller.search(CATALOGUE.hosted_url("mug-07"))
    assert isinstance(page, Page)
    rows = rows_of(page)
    assert rows
    assert set(members(name, rows)) <= documented(name)


def test_every_field_is_told_by_some_gateway() -> None:
    told_somewhere = {
        name for path in ANSWERS for offer in expected_of(path).get("offers", ()) for name in offer
    }
    fields_of_rows = {each.name for each in fields(Offer)} - {
        *("seed_id", "seed_image", "seed_extra", "page", "rank", "gateway", "request_id"),
        *("fetched_at", "weight_kg"),
    }
    assert fields_of_rows <= told_somewhere
