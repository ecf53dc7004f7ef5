"""No secret, token or signature in anything that a crawl leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from tests.crawling import Crawler
from tests.test_crawl import PHOTOS
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

    def _admit(self, params):  # type: ignore[no-untyped-def]
        self.seen |= {params["sign"], params.get("access_token", "")}
        super()._admit(params)


def test_a_crawl_at_debug_leaves_no_secret_anywhere(
    serve_sandbox: Callable[..., Site], crawler: Crawler
) -> None:
    faults = ["401@3", "500@5", "reset@6", "html@7", "429@8", "400@9", "denied@14-"]
    gateway = Recording(Catalogue(), Account(**CANARIES), faults=[*map(parse_fault, faults)])
    crawler.use(serve_sandbox(gateway), rate=50)
    crawler.seeds(*(photo(number) for number in range(20)), str(PHOTOS / "mug-01.jpg"))

    crawled = crawler.crawl("-L", "DEBUG", "-s", "JOBDIR=job", "-s", "STATS_DUMP=1")

    assert crawled.stats["finish_reason"] == "pailitao_denied"
    account = gateway.account
    wanted = {*CANARIES.values(), *gateway.seen, account.access_token, account.refresh_token}
    wanted.discard("")
    assert len(wanted) > 10, "signatures were seen on the wire"
    places = {"log": crawled.log.encode()} | {
        str(path.relative_to(crawler.folder)): path.read_bytes()
        for path in Path(crawler.folder).rglob("*")
        if path.is_file() and "home" not in path.parts
    }
    assert any("job" in name for name in places)
    found = {
        (name, secret)
        for name, text in places.items()
        for secret in wanted
        if secret.encode() in text
    }
    assert found == set()
