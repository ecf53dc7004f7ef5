"""Every dialect against the sandbox's face of it, over real HTTP: one contract for all."""

from __future__ import annotations

import base64
import http.client
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from pailitao_spider.gateways import capabilities
from pailitao_spider.gateways.calls import Credential, Form, PictureRef, SearchCall
from pailitao_spider.gateways.oauth import Renewed, refresh_form, renewed
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.gateways.router.rows import SHAPE
from pailitao_spider.offers.drift import Drift
from pailitao_spider.offers.model import Offer
from pailitao_spider.offers.row_reader import read_rows
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.drifting import RowDrift
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.quota import Quota
from pailitao_spider.sandbox.server import Gateway, Site

NOW = 1_767_200_000.0
CATALOGUE = Catalogue()
SIZES = {design.name: len(CATALOGUE.truth(design.name)) for design in CATALOGUE.designs}
WIDE = max((name for name, size in SIZES.items() if size <= 75), key=SIZES.__getitem__)
NARROW = min(SIZES, key=SIZES.__getitem__)
DESIGNS = ("mug-07", NARROW, WIDE)
EMPTY = "https://cbu01.alicdn.com/sandbox/empty.jpg"
SOLD_OF = {"30d": 10, "90d": 4}
NOT_COMPARED = {"sales", "sales_at_least", "sales_window", "similarity", "is_ad", "rank", "extra"}
ROUTER_TELLS = {
    name for name in SHAPE.told_by(SHAPE.kinds or ()) if name in Offer.__slots__
} - NOT_COMPARED

Verdict = tuple[RefusalClass, Cause | None]

BAD_SEED = (RefusalClass.BAD_SEED, None)
TRANSIENT = (RefusalClass.TRANSIENT, None)
THROTTLED = (RefusalClass.THROTTLED, Cause.QUOTA)
SPENT = (RefusalClass.SPENT, Cause.QUOTA)
DEAD_TOKEN = (RefusalClass.TOKEN, Cause.TOKEN)


def denied(cause: Cause) -> Verdict:
    return RefusalClass.DENIED, cause


class Caller:
    """One key that speaks one dialect to one gateway."""

    def __init__(self, name: str, site: Site, account: Account | None = None) -> None:
        account = account or site.gateway.account
        self.dialect: Any = dialect(name)
        self.site = site
        self.url = site.url_of(name)
        self.now = NOW
        self.credential = Credential(account.app_key, account.secret, account.access_token)

    def search(self, imgid: str, **asked: Any) -> Page | Refusal:
        asked.setdefault("page_size", self.dialect.limits.page_size)
        call = SearchCall(picture=PictureRef(url=imgid), **asked)
        form = self.dialect.search_form(self.url, call, imgid, self.credential, self.now)
        return self.dialect.page(*sent(form))

    def upload(self, picture: bytes) -> str | Refusal:
        code = base64.b64encode(picture).decode()
        form = self.dialect.upload_form(self.url, code, self.credential, self.now)
        return self.dialect.imgid(*sent(form))

    def everything(self, imgid: str, **asked: Any) -> list[Offer]:
        """Paged to the end; all rows are offers as documented."""
        found: list[Offer] = []
        for number in range(1, 20):
            page = self.search(imgid, page=number, **asked)
            assert isinstance(page, Page), page
            assert (page.unreadable, page.drift) == ([], Drift())
            if not page.rows:
                return found
            found += [row for row in page.rows if isinstance(row, Offer)]
        raise AssertionError("the pages have no end")


def sent(form: Form) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        form.url, form.body or None, form.wire_headers, method=form.method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, lowered(response.headers.items()), response.read()
    except HTTPError as refused:
        with refused:
            return refused.code, lowered(refused.headers.items()), refused.read()


def lowered(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def verdict(answer: Any) -> Verdict | None:
    return (answer.kind, answer.cause) if isinstance(answer, Refusal) else None


def ids(offers: Iterable[Offer]) -> list[str]:
    return [offer.num_iid for offer in offers]


def told_by_router(name: str) -> dict[str, Offer]:
    offers = read_rows(CATALOGUE.search(name), SHAPE, [])
    return {offer.num_iid: offer for offer in offers if isinstance(offer, Offer)}


Answered = Callable[..., Caller]


@pytest.fixture
def answered(serve_sandbox: Callable[..., Site], name: str) -> Answered:
    """A caller of a fresh gateway whose clock stands still."""

    def make(*faults: str, **options: Any) -> Caller:
        script = [parse_fault(text) for text in faults]
        options.setdefault("clock", lambda: NOW)
        catalogue = options.pop("catalogue", CATALOGUE)
        return Caller(name, serve_sandbox(Gateway(catalogue, faults=script, **options)))

    return make


# What a key's holder can do wrong, by dialect; None: the gateway does not ask for it.
OFFICIAL: dict[str, Verdict | None] = {
    "token": DEAD_TOKEN,
    "secret": denied(Cause.SECRET),
    "key": denied(Cause.SECRET),
    "clock": None,
    "spent": THROTTLED,  # a spent day has no code of its own there
}
MISTAKES: dict[str, dict[str, Verdict | None]] = {
    "router": {
        "token": DEAD_TOKEN,
        "secret": denied(Cause.SECRET),
        "key": denied(Cause.KEY),
        "clock": denied(Cause.CLOCK),
        "spent": SPENT,
    },
    "imagequery": OFFICIAL,
    "linkplus": OFFICIAL,
    "onebound": {
        "token": None,
        "secret": denied(Cause.KEY),
        "key": denied(Cause.KEY),
        "clock": None,
        "spent": SPENT,
    },
    "tmapi": {
        "token": denied(Cause.TOKEN),
        "secret": None,
        "key": None,
        "clock": None,
        "spent": SPENT,
    },
}


@pytest.mark.parametrize("name", DIALECTS)
class TestDialect:
    @pytest.mark.parametrize("design", DESIGNS)
    def test_the_pages_together_are_the_whole_truth(self, answered: Answered, design: str) -> None:
        caller = answered()
        found = ids(caller.everything(CATALOGUE.hosted_url(design), page_size=20))
        assert len(found) == len(set(found))
        assert set(found) == set(CATALOGUE.truth(design))

    def test_rows_come_in_the_order_that_was_asked_for(self, answered: Answered) -> None:
        caller, url = answered(), CATALOGUE.hosted_url(WIDE)
        for sort in caller.dialect.limits.sorts:
            assert ids(caller.everything(url, sort=sort)) == CATALOGUE.truth(WIDE, 1, sort)
        if not caller.dialect.limits.sorts:
            assert ids(caller.everything(url)) == CATALOGUE.truth(WIDE)

    def test_prices_are_yuan_and_titles_the_sellers(self, answered: Answered) -> None:
        sold = {
            match.listing.num_iid: match.listing
            for match in CATALOGUE.matches(CATALOGUE.sight_design(CATALOGUE.design(WIDE)), 1, None)
        }
        for offer in answered().everything(CATALOGUE.hosted_url(WIDE)):
            listing = sold[offer.num_iid]
            assert offer.price == Decimal(listing.price_fen) / 100
            assert offer.title == listing.row["title"]

    def test_sales_say_which_days_they_count(self, answered: Answered) -> None:
        caller, router = answered(), told_by_router(WIDE)
        window = caller.dialect.shape.sales_window
        for offer in caller.everything(CATALOGUE.hosted_url(WIDE)):
            sales = router[offer.num_iid].sales
            tells = "sales" in caller.dialect.shape.always
            expected = None if not tells or sales is None else sales // SOLD_OF.get(window, 1)
            assert (offer.sales, offer.sales_window) == (expected, window)

    def test_what_is_told_of_an_offer_is_the_same_everywhere(self, answered: Answered) -> None:
        router = told_by_router(WIDE)
        for offer in answered().everything(CATALOGUE.hosted_url(WIDE)):
            for each in fields(Offer):
                told = getattr(offer, each.name)
                if told is not None and each.name in ROUTER_TELLS:
                    assert told == getattr(router[offer.num_iid], each.name), each.name

    def test_a_photo_of_nothing_gives_an_empty_page(self, answered: Answered) -> None:
        page = answered().search(EMPTY)
        assert isinstance(page, Page)
        assert page.rows == []
        assert not page.total

    def test_a_page_tells_of_the_whole(self, answered: Answered) -> None:
        page = answered().search(CATALOGUE.hosted_url(WIDE), page_size=10)
        assert isinstance(page, Page)
        assert page.total == SIZES[WIDE]

    def test_an_uploaded_photo_finds_what_its_url_finds(self, answered: Answered) -> None:
        caller = answered()
        if caller.dialect.limits.picture is None:
            assert not hasattr(caller.dialect, "upload_form")
            return
        imgid = caller.upload(jpeg(CATALOGUE.design("mug-07"), 3))
        assert isinstance(imgid, str)
        assert set(ids(caller.everything(imgid))) == set(CATALOGUE.truth("mug-07"))

    def test_an_upload_that_is_no_picture_is_a_bad_seed(self, answered: Answered) -> None:
        caller = answered()
        if caller.dialect.limits.picture is not None:
            assert verdict(caller.upload(b"no picture" * 30)) == BAD_SEED

    def test_an_upload_that_got_lost_is_a_bad_seed(self, answered: Answered) -> None:
        caller = answered("lost-upload@1:search")
        if caller.dialect.limits.picture is None:
            return
        imgid = caller.upload(jpeg(CATALOGUE.design("mug-07"), 3))
        assert [verdict(caller.search(imgid)) for _ in range(2)] == [BAD_SEED] * 2

    @pytest.mark.parametrize("imgid", ["", CATALOGUE.hosted_url("spoon-99")], ids=["none", "dead"])
    def test_a_picture_that_cannot_be_had_is_a_bad_seed(
        self, answered: Answered, imgid: str
    ) -> None:
        assert verdict(answered().search(imgid)) == BAD_SEED

    @pytest.mark.parametrize(
        ("fault", "meant"),
        [
            ("429@1", THROTTLED),
            ("429-http=3@1", THROTTLED),
            ("ban=7@1", THROTTLED),
            ("400@1", BAD_SEED),
            ("denied@1", denied(Cause.PERMISSION)),
            ("500@1", TRANSIENT),
            ("503@1", TRANSIENT),
            ("html@1", TRANSIENT),
            ("cut@1", TRANSIENT),
            ("slow=0.01@1", None),
        ],
    )
    def test_a_scripted_fault_is_understood_and_passes(
        self, answered: Answered, fault: str, meant: Verdict | None
    ) -> None:
        caller, url = answered(fault), CATALOGUE.hosted_url(NARROW)
        first, second = caller.search(url), caller.search(url)
        assert verdict(first) == meant
        assert isinstance(second, Page)
        if fault.startswith("429-http"):
            assert isinstance(first, Refusal)
            assert first.wait_seconds == 3

    def test_a_reset_is_a_reset_in_every_tongue(self, answered: Answered) -> None:
        caller = answered("reset@1")
        with pytest.raises((OSError, http.client.HTTPException)):
            caller.search(CATALOGUE.hosted_url(NARROW))

    def test_calls_over_the_rate_are_throttled(self, answered: Answered) -> None:
        caller = answered(quota=Quota(0.01, 1, clock=lambda: NOW))
        url = CATALOGUE.hosted_url(NARROW)
        assert [verdict(caller.search(url)) for _ in range(2)] == [None, THROTTLED]

    def test_a_spent_day_is_told(self, answered: Answered, name: str) -> None:
        caller = answered(quota=Quota(daily_calls=1, clock=lambda: NOW))
        url = CATALOGUE.hosted_url(NARROW)
        meant = MISTAKES[name]["spent"]
        assert [verdict(caller.search(url)) for _ in range(2)] == [None, meant]

    def test_a_key_without_permission_is_told_so(self, answered: Answered) -> None:
        caller = answered(account=Account(has_permission=False))
        assert verdict(caller.search("")) == denied(Cause.PERMISSION)

    def test_a_wrong_token_is_told(self, answered: Answered, name: str) -> None:
        caller = answered()
        caller.credential = replace(caller.credential, access_token="old")
        assert verdict(caller.search(CATALOGUE.hosted_url(NARROW))) == MISTAKES[name]["token"]

    def test_a_dead_token_is_renewed_where_tokens_renew(
        self, answered: Answered, name: str
    ) -> None:
        caller = answered("401@1")
        url, key = caller.site.token_url_of(name), caller.credential
        assert (url is None) == (caller.dialect.token_url is None)
        if url is None:
            return
        seed = CATALOGUE.hosted_url(NARROW)
        assert [verdict(caller.search(seed)) for _ in range(2)] == [DEAD_TOKEN] * 2
        form = refresh_form(url.replace("{app_key}", key.app_key), key, "sandbox-refresh")
        status, _, body = sent(form)
        tokens = renewed(status, body)
        assert isinstance(tokens, Renewed)
        caller.credential = replace(key, access_token=tokens.access_token)
        assert isinstance(caller.search(seed), Page)

    def test_the_platforms_clock_can_be_asked(self, answered: Answered) -> None:
        caller = answered()
        if hasattr(caller.dialect, "clock_form"):
            form = caller.dialect.clock_form(caller.url, caller.credential, caller.now)
            assert caller.dialect.clock_of(sent(form)[2]) == NOW

    def test_a_wrong_secret_is_told(self, answered: Answered, name: str) -> None:
        caller = answered()
        caller.credential = replace(caller.credential, app_secret="guess")
        assert verdict(caller.search(CATALOGUE.hosted_url(NARROW))) == MISTAKES[name]["secret"]

    def test_a_wrong_key_is_told(self, answered: Answered, name: str) -> None:
        caller = answered()
        caller.credential = replace(caller.credential, app_key="nobody")
        assert verdict(caller.search(CATALOGUE.hosted_url(NARROW))) == MISTAKES[name]["key"]

    def test_a_wrong_clock_is_told(self, answered: Answered, name: str) -> None:
        caller = answered()
        caller.now = NOW - 3600
        assert verdict(caller.search(CATALOGUE.hosted_url(NARROW))) == MISTAKES[name]["clock"]

    @pytest.mark.parametrize("kind", ["rename", "flip"])
    def test_rows_that_change_their_shape_are_noticed(self, answered: Answered, kind: str) -> None:
        page = answered(drift=RowDrift(kind)).search(CATALOGUE.hosted_url(NARROW))
        assert isinstance(page, Page)
        assert len(page.rows) == SIZES[NARROW]
        signs = {"rename": page.drift.unknown, "flip": page.drift.flipped}
        assert [sign.rows for sign in signs[kind].values()] == [SIZES[NARROW]] * len(signs[kind])
        assert any("rice" in name for name in signs[kind])

    def test_rows_that_lose_their_ids_are_no_offers(self, answered: Answered) -> None:
        caller, url = answered(drift=RowDrift("drop", 2)), CATALOGUE.hosted_url(NARROW)
        whole, without = caller.search(url), caller.search(url)
        assert isinstance(whole, Page)
        assert isinstance(without, Page)
        assert all(isinstance(row, Offer) for row in whole.rows)
        assert not any(isinstance(row, Offer) for row in without.rows)

    def test_rough_rows_are_offers_all_the_same(self, answered: Answered) -> None:
        rough = Catalogue(messy=True)
        page = answered(catalogue=rough).search(rough.hosted_url(WIDE))
        assert isinstance(page, Page)
        truth, found = (
            set(rough.truth(WIDE)),
            {r.num_iid for r in page.rows if isinstance(r, Offer)},
        )
        assert len(found) >= min(len(truth), 15)
        assert found <= truth


@pytest.mark.parametrize("name", ["imagequery"])
class TestRegions:
    """Photos that show two products."""

    SHOWN = next(d.name for d in CATALOGUE.designs if CATALOGUE.regions(d.name))

    def test_a_page_tells_where_the_products_stand(self, answered: Answered) -> None:
        page = answered().search(CATALOGUE.hosted_url(self.SHOWN))
        assert isinstance(page, Page)
        assert page.regions == tuple(text for text, _ in CATALOGUE.regions(self.SHOWN))

    def test_each_region_finds_its_own_product(self, answered: Answered) -> None:
        caller, url = answered(), CATALOGUE.hosted_url(self.SHOWN)
        for text, design in CATALOGUE.regions(self.SHOWN):
            found = ids(caller.everything(url, region=text))
            assert set(found) == set(CATALOGUE.truth(design))

    def test_an_uploaded_photo_has_the_regions_of_its_design(self, answered: Answered) -> None:
        caller = answered()
        imgid = caller.upload(jpeg(CATALOGUE.design(self.SHOWN), 3))
        assert isinstance(imgid, str)
        page = caller.search(imgid)
        assert isinstance(page, Page)
        assert page.regions == tuple(text for text, _ in CATALOGUE.regions(self.SHOWN))

    def test_a_photo_of_one_product_has_no_second_region(self, answered: Answered) -> None:
        assert CATALOGUE.regions("mug-07") == ()
        page = answered().search(CATALOGUE.hosted_url("mug-07"))
        assert isinstance(page, Page)
        assert len(page.regions) <= 1


def test_the_docs_say_what_works_with_which_gateway() -> None:
    docs = Path(__file__).parent.parent / "docs/gateways.md"
    assert capabilities.table() in docs.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DIALECTS)
def test_what_a_dialect_is_said_to_tell_the_sandbox_s_rows_tell(
    serve_sandbox: Callable[..., Site], name: str
) -> None:
    caller = Caller(name, serve_sandbox(Gateway(CATALOGUE, clock=lambda: NOW)))
    offers = caller.everything(CATALOGUE.hosted_url(WIDE))
    told = {
        each.name
        for each in fields(Offer)
        if any(getattr(offer, each.name) is not None for offer in offers)
    }
    asked = {"similarity", "post_fee", "one_stop_service", "repurchase_rate", "min_order", "sales"}
    assert asked & told <= dialect(name).shape.tells
    assert asked & dialect(name).shape.tells <= told
