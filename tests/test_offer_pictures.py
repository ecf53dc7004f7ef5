"""Pictures of offers over real https: what may be asked for, what is taken, what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pailitao_spider.errors import ConfigError, PictureError
from pailitao_spider.offer_pictures import (
    FetchLimits,
    OfferPictures,
    PictureCache,
    TrustedHosts,
    WebPictures,
    checked_url,
    default_folder,
    is_public,
)
from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.drawn_pictures import DrawnPictures
from pailitao_spider.sandbox.catalogue.market import Catalogue
from tests.picture_server import Names, PictureServer, picture, running

LIMITS = FetchLimits(bytes=200_000, seconds=1, spacing_seconds=0)
AT_HOME = ("127.0.0.1",)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureServer]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(autouse=True)
def _forget(server: PictureServer) -> None:
    server.forget()


def had(
    server: PictureServer,
    *urls: str,
    limits: FetchLimits = LIMITS,
    names: Names | None = None,
    trusted: TrustedHosts | None = None,
) -> list[bytes | str]:
    """The bytes of each URL, or the reason code; shop.test is the server, and trusted."""

    async def fetched() -> list[bytes | str]:
        async with WebPictures(
            TrustedHosts.read([f"shop.test:{server.port}"]) if trusted is None else trusted,
            limits,
            ssl_context=server.trust(),
            resolver=names or Names(shop_test=[AT_HOME]),
        ) as pictures:
            return await asyncio.gather(*(outcome(pictures, url) for url in urls))

    return asyncio.run(fetched())


async def outcome(pictures: WebPictures, url: str) -> bytes | str:
    try:
        return await pictures.picture(url)
    except PictureError as error:
        return error.code


# what is taken


def test_a_picture_comes_as_it_is_and_nothing_is_told_but_who_asks(server: PictureServer) -> None:
    url = server.url("/good")
    assert had(server, url, url) == [picture(), picture()]
    for _, headers in server.seen.requests:
        assert headers.keys() == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
        assert headers["User-Agent"].startswith("pailitao_spider")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/html", "not_a_picture"),
        ("/empty", "empty_file"),
        ("/gzip", "not_a_picture"),
        ("/huge", "too_many_bytes"),
        ("/endless", "too_many_bytes"),
        ("/slow", "timeout"),
        ("/silent", "timeout"),
        ("/short", "cut_off"),
        ("/404", "http_404"),
        ("/503", "http_503"),
        ("/204", "http_204"),
    ],
)
def test_what_is_no_whole_picture_in_time_is_refused_with_its_reason(
    server: PictureServer, path: str, reason: str
) -> None:
    assert had(server, server.url(path)) == [reason]


def test_the_bytes_decide_and_not_what_the_head_calls_them(server: PictureServer) -> None:
    assert had(server, server.url("/mislabelled")) == [picture(form="PNG")]


def test_a_certificate_that_nobody_vouches_for_is_refused(server: PictureServer) -> None:
    async def fetched() -> bytes | str:
        trusted = TrustedHosts.read([f"127.0.0.1:{server.port}"])
        async with WebPictures(trusted, LIMITS) as pictures:
            return await outcome(pictures, server.url("/good", "127.0.0.1"))

    assert asyncio.run(fetched()) == "bad_certificate"
    assert server.seen.requests == []


def test_a_name_that_nobody_knows_is_told(server: PictureServer) -> None:
    assert had(server, "https://nosuch.test/x.jpg") == ["unknown_host"]


def test_a_port_that_nobody_listens_at_is_unreachable(server: PictureServer) -> None:
    trusted = TrustedHosts.read(["shop.test:1"])
    assert had(server, "https://shop.test:1/x", trusted=trusted) == ["unreachable"]


# where nothing is asked


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://localhost/x.jpg", "private_address"),
        ("https://LOCALHOST/x.jpg", "private_address"),
        ("https://127.0.0.1/x.jpg", "private_address"),
        ("https://[::1]/x.jpg", "private_address"),
        ("https://0.0.0.0/x.jpg", "private_address"),
        ("https://169.254.169.254/latest/meta-data", "private_address"),
        ("https://10.0.0.7/x.jpg", "private_address"),
        ("https://[::ffff:127.0.0.1]/x.jpg", "private_address"),
        ("https://[fe80::1%25eth0]/x.jpg", "private_address"),
        ("https://[64:ff9b::7f00:1]/x.jpg", "private_address"),
        ("https://2130706433/x.jpg", "bad_address"),
        ("https://0x7f000001/x.jpg", "bad_address"),
        ("https://0x7f.1/x.jpg", "bad_address"),
        ("https://0177.0.0.1/x.jpg", "bad_address"),
        ("https://127.1/x.jpg", "bad_address"),
        ("https://127.0.0.1./x.jpg", "bad_address"),
        ("https://１２７.0.0.1/x.jpg", "private_address"),
        ("https://shop.test:8443/x.jpg", "other_port"),
        ("https://user:word@shop.test/x.jpg", "bad_url"),
        ("https:///x.jpg", "bad_url"),
        ("https://[]@", "bad_url"),
        ("https://shop.test:99999/x.jpg", "bad_url"),
        ("https://" + "a" * 9000, "bad_url"),
        ("https://\ud800/x.jpg", "bad_url"),
        ("http://shop.test/x.jpg", "not_https"),
        ("//shop.test/x.jpg", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("", "not_https"),
    ],
    ids=lambda value: ascii(value)[:40],
)  # fmt: skip
def test_no_url_leads_to_a_private_place(url: str, reason: str) -> None:
    async def fetched() -> bytes | str:
        async with WebPictures(limits=LIMITS) as pictures:
            return await outcome(pictures, url)

    assert asyncio.run(fetched()) == reason


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("93.184.216.34", "127.0.0.1"),
        ("10.0.0.1", "93.184.216.34"),
        ("::ffff:10.0.0.1",),
        ("2606:4700::1", "fd00::1"),
        ("64:ff9b::a00:1",),
        ("169.254.169.254",),
    ],
    ids="+".join,
)
def test_a_name_with_one_private_address_is_refused_whole(
    server: PictureServer, addresses: tuple[str, ...]
) -> None:
    names = Names(evil_test=[addresses])
    assert had(server, "https://evil.test/x", names=names) == ["private_address"]
    assert names.asked == ["evil.test"]


def test_the_connection_goes_where_the_one_look_up_said(server: PictureServer) -> None:
    """The second look-up of a rebinding name would give another address; there is none."""
    names = Names(shop_test=[AT_HOME, ("127.0.0.9",)])
    assert had(server, server.url("/good"), names=names) == [picture()]
    assert names.asked == ["shop.test"]


def test_trust_is_for_one_host_and_port_and_does_without_no_certificate(
    server: PictureServer,
) -> None:
    names = Names(shop_test=[AT_HOME], other_test=[AT_HOME])
    urls = [server.url("/good"), server.url("/good", "other.test"), "https://shop.test/good"]
    assert had(server, *urls, names=names) == [picture(), "other_port", "private_address"]
    assert had(server, "http://shop.test/good") == ["not_https"]


@pytest.mark.parametrize("address", [
    "93.184.216.34", "8.8.8.8", "2606:4700::6810:1", "2400:3200::1",
])  # fmt: skip
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::8.8.8.8", "fe80::1", "fec0::1", "fc00::1",
    "ff02::1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:1::1", "2001:db8::1",
    "100::1", "4000::1", "fe80::1%eth0", "localhost", "", "1.2.3",
])  # fmt: skip
def test_all_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@given(st.text(max_size=40), st.sampled_from(["https://", "https://[", "https://1.2.3.", ""]))
def test_any_text_is_a_checked_url_or_refused(text: str, head: str) -> None:
    with contextlib.suppress(PictureError):
        url = checked_url(head + text, TrustedHosts())
        assert (url.scheme, url.port, url.user) == ("https", 443, None)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("Pictures.Example", "https://pictures.example/x"),
        ("pictures.example:8443", "https://pictures.example.:8443/x"),
        ("10.0.0.7", "https://10.0.0.7/x"),
        ("::1", "https://[::1]/x"),
        ("[::1]:8443", "https://[::1]:8443/x"),
    ],
)
def test_a_trusted_host_is_known_however_it_is_written(written: str, url: str) -> None:
    assert checked_url(url, TrustedHosts.read([written])).scheme == "https"


@pytest.mark.parametrize(
    "wrong", ["", "https://x.test", "x.test/path", "x.test:port", "x.test:0", "a@b", "x.test:99999"]
)
def test_a_wrong_trusted_host_is_one_line(wrong: str) -> None:
    with pytest.raises(ConfigError, match="--trust-host") as caught:
        TrustedHosts.read([wrong])
    assert "\n" not in str(caught.value)


# redirects


def test_three_hops_are_followed_and_a_fourth_is_not(server: PictureServer) -> None:
    assert had(server, server.url("/to?url=/to?url=/to?url=/good")) == [picture()]
    assert had(server, server.url("/to?url=/to?url=/to?url=/to?url=/good")) == [
        "too_many_redirects"
    ]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://shop.test/good", "not_https"),
        ("https://127.0.0.1/good", "private_address"),
        ("https://evil.test/good", "private_address"),
        ("https://2130706433/", "bad_address"),
        ("file:///etc/passwd", "not_https"),
        ("//evil.test:8443/", "other_port"),
        ("", "too_many_redirects"),
        ("https://[", "bad_url"),
        ("https://[]@", "bad_url"),
    ],
)
def test_each_hop_is_checked_like_the_first(
    server: PictureServer, target: str, reason: str
) -> None:
    names = Names(shop_test=[AT_HOME], evil_test=[AT_HOME])
    assert had(server, server.url(f"/to?url={target}"), names=names) == [reason]
    assert set(server.seen.paths) == {"/to"}


# turns


def test_few_are_asked_for_at_once_with_a_pause_between(server: PictureServer) -> None:
    limits = FetchLimits(spacing_seconds=0.01)
    answers = had(server, *(server.url(f"/lingering/{n}") for n in range(12)), limits=limits)
    assert answers == [picture()] * 12
    assert server.seen.most <= 4
    assert server.seen.at[-1] - server.seen.at[0] >= 0.1


def test_a_host_that_fails_ten_times_in_a_row_is_left_alone(server: PictureServer) -> None:
    limits = FetchLimits(at_once_a_host=1, spacing_seconds=0)
    answers = had(server, *(server.url("/503") for _ in range(12)), limits=limits)
    assert answers == ["http_503"] * 10 + ["host_given_up"] * 2
    answers = had(server, *(server.url("/404") for _ in range(12)), limits=limits)
    assert answers == ["http_404"] * 12


# the cache


@pytest.fixture
def cache(tmp_path: Path) -> PictureCache:
    return PictureCache(tmp_path / "pictures")


def test_what_was_kept_is_the_users_alone_and_whole(tmp_path: Path, cache: PictureCache) -> None:
    cache.put("https://a.invalid/1", b"one")
    assert cache.get("https://a.invalid/1") == b"one"
    assert cache.get("https://a.invalid/2") is None
    assert PictureCache(tmp_path / "pictures").get("https://a.invalid/1") == b"one"
    kept = list((tmp_path / "pictures").rglob("*"))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in kept if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
    cache.drop("https://a.invalid/1")
    assert cache.get("https://a.invalid/1") is None


def test_beyond_its_size_the_oldest_go(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, most_bytes=1000)
    for n in range(10):
        cache.put(f"{n}", bytes(100))
        os.utime(cache._path(f"{n}"), (n, n))
    cache.put("new", bytes(100))
    assert [n for n in range(10) if cache.get(f"{n}") is None] == [0, 1]
    assert cache.get("new") == bytes(100)


def test_what_a_kill_left_half_written_is_removed_when_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    old, young = tmp_path / "ab" / "old.0.new", tmp_path / "ab" / "young.0.new"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    PictureCache(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_folder_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pictures").touch()
    with pytest.raises(ConfigError, match="set XDG_CACHE_HOME") as wrong:
        PictureCache(tmp_path / "pictures")
    assert "\n" not in str(wrong.value)


def test_the_cache_lies_where_caches_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert default_folder() == Path("/c/pailitao_spider/pictures")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache/pailitao_spider/pictures"


# the album


class Counted:
    """A source that tells what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def picture(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        if "bad" in url:
            raise PictureError("timeout", "late\x1b[31m")
        return url.encode()


def album(
    cache: PictureCache | None, most: int | None, *urls: str | None
) -> tuple[Counted, OfferPictures, list[bytes | None]]:
    source = Counted()
    pictures = OfferPictures(source, cache, most=most)

    async def all_of_them() -> list[bytes | None]:
        return await asyncio.gather(*map(pictures.get, urls))

    return source, pictures, asyncio.run(all_of_them())


def test_a_picture_is_fetched_once_and_the_second_run_fetches_none(cache: PictureCache) -> None:
    source, pictures, first = album(cache, None, "a", "a", "b")
    assert (first, sorted(source.asked)) == ([b"a", b"a", b"b"], ["a", "b"])
    assert pictures.fetched == 2
    source, pictures, second = album(cache, 0, "a", "b")
    assert (second, source.asked, pictures.cached) == ([b"a", b"b"], [], 2)


def test_failures_are_counted_by_reason_and_told(cache: PictureCache) -> None:
    _, pictures, found = album(cache, None, "bad1", "bad2", "a", None)
    assert found == [None, None, b"a", None]
    assert pictures.failures.counts == {"timeout": 2, "no_picture": 1}
    told = next(pictures.failures.told())
    assert re.fullmatch(r"2 timeout, the first: bad[12]: late \[31m", told)
    assert list(pictures.failures.told(1))[-1] == "1 for 1 other reasons"


def test_no_more_are_fetched_than_was_said_and_the_rest_is_told(cache: PictureCache) -> None:
    source, pictures, found = album(cache, 2, "a", "b", "c", "d")
    assert (len(source.asked), found.count(None)) == (2, 2)
    assert pictures.failures.counts == {"over_max_pictures": 2}
    _, again, _ = album(cache, 2, "a", "b", "c", "d")
    assert (again.cached, again.fetched) == (2, 2)


def test_a_disk_that_is_full_costs_the_cache_and_no_picture(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "pictures")
    (tmp_path / "pictures").rmdir()
    (tmp_path / "pictures").touch()
    _, pictures, found = album(cache, None, "a")
    assert (found, pictures.not_kept) == ([b"a"], 1)


def test_the_sandboxs_pictures_are_drawn_and_never_fetched() -> None:
    catalogue = Catalogue()
    source = Counted()
    pictures = OfferPictures(source, drawn={"sandbox": DrawnPictures(catalogue, 60)})
    offer = catalogue.search("mug-07")[0]

    async def both() -> list[bytes | None]:
        return [
            await pictures.get(offer["pic_small_url"], "sandbox"),
            await pictures.get("https://cbu01.alicdn.com/img/x.jpg", "sandbox"),
        ]

    drawn, unknown = asyncio.run(both())
    shot = catalogue.shot(offer["pic_url"].rpartition("/")[2])
    assert shot is not None
    assert drawn == jpeg(*shot, 60)
    assert (unknown, source.asked, pictures.drawn) == (None, [], 1)
    assert pictures.failures.counts == {"not_drawn": 1}
