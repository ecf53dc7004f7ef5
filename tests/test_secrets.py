"""No secret, token or signature in anything that a crawl leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import Crawled, Crawler
from tests.test_crawl import CATALOGUE, PHOTOS
from tests.test_faults import photo

CANARIES = {
    "secret": "canary-secret-5d1f",
    "access_token": "canary-access-8a2c",
    "refresh_token": "canary-refresh-77e0",
}


class Recording(Gateway):
    """Remembers the signatures and tokens that went over the wire."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.seen: set[str] = set()

    async def _answer(self, face, ask):  # type: ignore[no-untyped-def]
        names = ("sign", "_aop_signature", "access_token", "secret", "apiToken")
        self.seen |= {ask.params[name] for name in names if name in ask.params}
        return await super()._answer(face, ask)


def leaks(crawled: Crawled, gateway: Recording) -> set[tuple[str, str]]:
    account = gateway.account
    wanted = {*CANARIES.values(), *gateway.seen, account.access_token, account.refresh_token}
    wanted.discard("")
    places = {"log": crawled.log.encode()} | {
        str(path.relative_to(crawled.folder)): path.read_bytes()
        for path in Path(crawled.folder).rglob("*")
        if path.is_file() and "home" not in path.parts
    }
    assert any("job" in name for name in places)
    return {
        (name, secret)
        for name, text in places.items()
        for secret in wanted
        if secret.encode() in text
    }


def test_a_crawl_at_debug_leaves_no_secret_anywhere(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    faults = ["401@3", "500@5", "reset@6", "html@7", "429@8", "400@9", "denied@14-"]
    gateway = Recording(Catalogue(), Account(**CANARIES), faults=[*map(parse_fault, faults)])
    crawler.use(serve_sandbox(gateway), rate=50)
    crawler.seeds(*(photo(number) for number in range(20)), str(PHOTOS / "mug-01.jpg"))

    crawled = crawler.crawl("-L", "DEBUG", "-s", "JOBDIR=job", "-s", "STATS_DUMP=1")

    assert crawled.stats["finish_reason"] == "pailitao_denied"
    assert len(gateway.seen) > 8, "signatures were seen on the wire"
    assert leaks(crawled, gateway) == set()


@pytest.mark.parametrize("dialect", ["onebound", "tmapi", "imagequery"])
def test_secrets_that_go_in_the_address_are_nowhere_else(
    serve_sandbox: Callable[..., Site], crawler: Crawler, dialect: str
) -> None:
    """An answer over all bounds makes Scrapy itself speak of the address it asked."""
    faults = ["huge@2", "reset@3", "cut@4", "html@5", "429-http@6", "500@7", "denied@10-"]
    gateway = Recording(Catalogue(), Account(**CANARIES), faults=[*map(parse_fault, faults)])
    site = serve_sandbox(gateway)
    crawler.use(site, rate=50, gateway=dialect, url=site.url_of(dialect))
    crawler.seeds(*(CATALOGUE.hosted_url(each.name) for each in CATALOGUE.designs[:12]))

    crawled = crawler.crawl("-L", "DEBUG", "-s", "JOBDIR=job", "-s", "STATS_DUMP=1")

    assert crawled.stats["finish_reason"] == "pailitao_denied"
    assert len(gateway.seen) >= 1
    assert leaks(crawled, gateway) == set()
