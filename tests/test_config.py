"""Settings, spider arguments and feeds: read once, typed, a mistake told in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapy.settings import Settings

from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.credentials import keys_of
from pailitao_spider.config.edit_distance import edit_distance
from pailitao_spider.config.feeds import FeedTarget, local_feeds
from pailitao_spider.config.keys_file import KeysFile
from pailitao_spider.config.setting_table import KNOWN_NAMES, Config, unknown_names
from pailitao_spider.errors import ConfigError, ResultsError

D = Decimal
KEY = {"PAILITAO_APP_KEY": "a-key", "PAILITAO_APP_SECRET": "a-secret"}


def config(given: Mapping[str, Any] = {}, **environ: str) -> Config:
    return Config.read(Settings({**KEY, **given}), environ)


def failure(given: Mapping[str, Any], **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(given, **environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# settings


def test_a_key_is_enough_and_the_rest_has_its_default() -> None:
    assert config() == Config(app_key="a-key", app_secret="a-secret")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("GATEWAY", "router?timestamp=ms", "router?timestamp=ms"),
        ("URL", "https://gateway.test/rest", "https://gateway.test/rest"),
        ("URL", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("TOKEN_URL", " https://gateway.test/token ", "https://gateway.test/token"),
        ("APP_KEY", 12345678, "12345678"),
        ("APP_SECRET", "other", "other"),
        ("ACCESS_TOKEN", "t", "t"),
        ("REFRESH_TOKEN", "r", "r"),
        ("RATE", "2.5", 2.5),
        ("RATE", 3, 3.0),
        ("RATE", "", None),
        ("BURST", "4", 4),
        ("DAILY_CALLS", 5000, 5000),
        ("DAILY_CALLS", None, None),
        ("DEDUP", "crawl", "crawl"),
        ("DEDUP", "seed", "seed"),
        ("DEDUP", "off", "off"),
        ("SANDBOX", "1", "1"),
        ("SANDBOX", True, "True"),
        ("SANDBOX", "rate=20,fault=500@3", "rate=20,fault=500@3"),
        ("SANDBOX", "0", None),
        ("SANDBOX", "off", None),
        ("SANDBOX", False, None),
        ("SANDBOX", "", None),
        ("MATCHES", "1", True),
        ("MATCHES", "true", True),
        ("MATCHES", True, True),
        ("MATCHES", "0", False),
        ("MATCHES", "no", False),
        ("MATCHES", False, False),
        ("TRANSIENT_TRIES", "1", 1),
        ("CLUSTER", "0", False),
        ("CREDENTIALS", "", None),
    ],
    ids=ascii,
)
def test_a_setting_is_read(name: str, given: Any, expected: Any) -> None:
    assert getattr(config({f"PAILITAO_{name}": given}), name.lower(), None) == expected


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("URL", "gateway.test/rest", "http"),
        ("URL", "ftp://gateway.test", "http"),
        ("TOKEN_URL", "gateway.test", "http"),
        ("RATE", "fast", "calls a second"),
        ("RATE", "0", "calls a second"),
        ("RATE", "-1", "calls a second"),
        ("RATE", "nan", "calls a second"),
        ("RATE", "inf", "calls a second"),
        ("BURST", "0", "whole number"),
        ("BURST", "1.5", "whole number"),
        ("BURST", "²", "whole number"),
        ("DAILY_CALLS", "many", "whole number"),
        ("DAILY_CALLS", "-1", "whole number"),
        ("DAILY_CALLS", "9" * 5000, "whole number"),
        ("DEDUP", "maybe", "crawl"),
        ("DEDUP", "Crawl", "crawl"),
        ("MATCHES", "perhaps", "1 or 0"),
        ("TRANSIENT_TRIES", "0", "whole number"),
        ("CREDENTIALS", "keys.toml", "PAILITAO_APP_KEY"),
    ],
    ids=lambda value: ascii(value)[:30],
)
@pytest.mark.parametrize("place", ["setting", "environment"])
def test_a_bad_setting_is_named_with_what_it_may_be(
    name: str, given: str, wanted: str, place: str
) -> None:
    full_name = f"PAILITAO_{name}"
    in_settings, environ = (
        ({full_name: given}, {}) if place == "setting" else ({}, {full_name: given})
    )
    text = failure(in_settings, **environ)
    assert text.startswith(full_name)
    assert wanted in text


def test_a_setting_wins_over_the_environment() -> None:
    assert config({"PAILITAO_RATE": 2}, PAILITAO_RATE="9").rate == 2.0


def test_the_environment_stands_in_for_a_setting_that_is_absent() -> None:
    assert config(PAILITAO_RATE="9", PAILITAO_DEDUP="seed") == Config(
        app_key="a-key", app_secret="a-secret", rate=9.0, dedup="seed"
    )


def test_a_setting_that_is_false_wins_over_the_environment() -> None:
    assert config({"PAILITAO_MATCHES": False}, PAILITAO_MATCHES="1").matches is False


def test_an_empty_setting_unsets_what_the_environment_says() -> None:
    assert config({"PAILITAO_RATE": ""}, PAILITAO_RATE="9").rate is None


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["PAILITAO_APP_KEY", "PAILITAO_APP_SECRET"]),
        ({"PAILITAO_APP_KEY": "k"}, ["PAILITAO_APP_SECRET"]),
        ({"PAILITAO_APP_SECRET": "s"}, ["PAILITAO_APP_KEY"]),
        ({"PAILITAO_APP_KEY": " ", "PAILITAO_APP_SECRET": "s"}, ["PAILITAO_APP_KEY"]),
    ],
    ids=["both", "secret", "key", "blank-key"],
)
def test_a_missing_key_is_named_with_the_way_to_the_sandbox(
    given: dict[str, str], missing: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.read(Settings(given), {})
    named = str(caught.value).split(" not set")[0].split(" and ")
    assert named == missing
    assert "PAILITAO_SANDBOX=1" in str(caught.value)


def test_the_sandbox_needs_no_key() -> None:
    assert Config.read(Settings({"PAILITAO_SANDBOX": "1"}), {}).app_key is None


SECRETS = {
    "PAILITAO_APP_SECRET": "s3cret-1",
    "PAILITAO_ACCESS_TOKEN": "s3cret-2",
    "PAILITAO_REFRESH_TOKEN": "s3cret-3",
}


def test_secrets_do_not_show_in_the_configuration() -> None:
    read = config(SECRETS)
    assert (read.app_secret, read.access_token, read.refresh_token) == tuple(SECRETS.values())
    assert "s3cret" not in f"{read!r} {read}"


@pytest.mark.parametrize(
    "bad",
    [{"PAILITAO_RATE": "x"}, {"PAILITAO_APP_KEY": ""}, {"PAILITAO_TOKEN_URL": "x"}],
    ids=["bad-rate", "no-key", "bad-token-url"],
)
def test_secrets_do_not_show_in_an_error(bad: dict[str, str]) -> None:
    assert "s3cret" not in failure({**SECRETS, **bad})


def test_a_secret_put_where_a_token_url_belongs_is_not_repeated() -> None:
    assert "s3cret" not in failure({"PAILITAO_TOKEN_URL": "s3cret"})


# arguments


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("seeds", " seeds.csv ", "seeds.csv"),
        ("search_type", "1", 1),
        ("search_type", 2, 2),
        ("sort", "sale_desc", "sale_desc"),
        ("sort", "price_asc", "price_asc"),
        ("page_size", "1", 1),
        ("page_size", "100", 100),
        ("max_pages", "3", 3),
        ("max_offers", 500, 500),
        ("min_similarity", "0.80", D("0.80")),
        ("min_similarity", "0", D(0)),
        ("min_similarity", "1", D(1)),
        ("max_price", "29.90", D("29.90")),
        ("min_price", "0", D(0)),
        ("dropship_only", "1", True),
        ("dropship_only", "False", False),
        ("unknown", "keep", "keep"),
        ("unknown", "drop", "drop"),
    ],
    ids=ascii,
)
def test_an_argument_is_read(name: str, given: Any, expected: Any) -> None:
    found = getattr(Arguments.read({"seeds": "x.jpg", name: given}), name)
    assert (found, type(found), str(found)) == (expected, type(expected), str(expected))


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("search_type", "3", "1 (same item) or 2 (similar ones)"),
        ("search_type", "", "1 (same item) or 2 (similar ones)"),
        ("sort", "best", "sale_desc or price_asc"),
        ("page_size", "0", "from 1 to 100"),
        ("page_size", "101", "from 1 to 100"),
        ("page_size", "٣", "from 1 to 100"),
        ("page_size", "ten", "from 1 to 100"),
        ("max_pages", "0", "whole number"),
        ("max_pages", "1.5", "whole number"),
        ("max_offers", "-1", "whole number"),
        ("max_offers", "9" * 5000, "whole number"),
        ("min_similarity", "80%", "from 0 to 1"),
        ("min_similarity", "1.1", "from 0 to 1"),
        ("min_similarity", "-0.1", "from 0 to 1"),
        ("min_similarity", "nan", "from 0 to 1"),
        ("max_price", "cheap", "yuan"),
        ("max_price", "-1", "yuan"),
        ("max_price", "inf", "yuan"),
        ("min_price", "sNaN", "yuan"),
        ("min_price", "", "yuan"),
        ("dropship_only", "maybe", "1 or 0"),
        ("unknown", "perhaps", "keep or drop"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_bad_argument_is_named_with_what_it_may_be(name: str, given: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Arguments.read({"seeds": "x.jpg", name: given})
    assert str(caught.value).startswith(f"-a {name}={given}: must be ")
    assert wanted in str(caught.value)


def test_the_defaults_are_the_promised_ones() -> None:
    arguments = Arguments.read({"seeds": "x.jpg"})
    assert (arguments.search_type, arguments.sort, arguments.unknown) == (1, "sale_desc", "keep")
    limits = ("page_size", "max_pages", "max_offers", "min_similarity", "max_price", "min_price")
    assert [getattr(arguments, name) for name in limits] == [None] * 6


@pytest.mark.parametrize("given", [{}, {"seeds": ""}, {"seeds": "  "}, {"seeds": None}], ids=repr)
def test_without_seeds_the_error_says_what_they_may_be(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="-a seeds=SOURCE is missing"):
        Arguments.read(given)


def test_an_unknown_argument_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        Arguments.read({"seeds": "x.jpg", "pages": "3"})
    assert str(caught.value).startswith("-a pages: there is no such argument")
    assert all(each.name in str(caught.value) for each in fields(Arguments))


def test_a_lowest_price_above_the_highest_is_no_filter() -> None:
    with pytest.raises(ConfigError, match="min_price=30 is above max_price=20"):
        Arguments.read({"seeds": "x.jpg", "min_price": "30", "max_price": "20"})


def test_a_lowest_price_may_be_the_highest_too() -> None:
    assert Arguments.read({"seeds": "x.jpg", "min_price": "20", "max_price": "20.0"})


# feeds


def feeds(given: dict[Any, dict[str, Any]]) -> list[FeedTarget]:
    return local_feeds(Settings({"FEEDS": given}))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("offers.jsonl", "offers.jsonl"),
        ("out/offers.jsonl", "out/offers.jsonl"),
        ("/data/offers.jsonl", "/data/offers.jsonl"),
        ("file:///data/my%20offers.jsonl", "/data/my offers.jsonl"),
        (Path("out") / "报价.jsonl", "out/报价.jsonl"),
    ],
    ids=ascii,
)
def test_a_plain_file_is_a_local_feed(uri: Any, path: str) -> None:
    assert feeds({uri: {"format": "jsonlines"}}) == [FeedTarget(Path(path), "jsonlines", False)]


@pytest.mark.parametrize(
    "uri",
    ["stdout:", "s3://bucket/offers.jsonl", "ftp://host/offers.jsonl", "offers-%(time)s.jsonl"],
)
def test_any_other_feed_is_left_to_scrapy(uri: str) -> None:
    assert feeds({uri: {"format": "jsonlines"}}) == []


@pytest.mark.parametrize(
    ("given", "expected"), [(True, True), (False, False), (None, False)], ids=repr
)
def test_a_feed_says_whether_it_starts_over(given: bool | None, expected: bool) -> None:
    [found] = feeds({"offers.csv": {"format": "csv", "overwrite": given}})
    assert found.overwrite is expected


def test_feeds_keep_their_order() -> None:
    found = feeds({"b.csv": {"format": "csv"}, "a.jsonl": {"format": "jsonlines"}})
    assert [feed.path.name for feed in found] == ["b.csv", "a.jsonl"]


def test_the_folder_of_a_feed_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "offers.jsonl"
    FeedTarget(path, "jsonlines", False).check_writable()
    assert path.parent.is_dir()


def test_a_look_whether_a_feed_can_be_written_changes_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "offers.jsonl"
    path.write_bytes(b"{}\n")
    FeedTarget(path, "jsonlines", True).check_writable()
    assert path.read_bytes() == b"{}\n"


@pytest.mark.parametrize("name", ["folder", "file/offers.jsonl"])
def test_a_feed_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="-O or -o"):
        FeedTarget(tmp_path / name, "jsonlines", False).check_writable()


# names


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("DAILYCALLS", "DAILY_CALLS"),
        ("DAILY_CALL", "DAILY_CALLS"),
        ("DALIY_CALLS", "DAILY_CALLS"),
        ("MAX_SPENT", "MAX_SPEND"),
        ("RAET", "RATE"),
        ("RATES", "RATE"),
        ("BRUST", "BURST"),
        ("APPKEY", "APP_KEY"),
        ("ACESS_TOKEN", "ACCESS_TOKEN"),
        ("MATCHS", "MATCHES"),
    ],
)
@pytest.mark.parametrize("place", ["settings", "environment"])
def test_a_misspelt_name_is_refused_with_the_one_that_was_meant(
    given: str, meant: str, place: str
) -> None:
    names = {f"PAILITAO_{given}": "1"}
    asked = (Settings(names), {}) if place == "settings" else (Settings(), names)
    with pytest.raises(ConfigError) as caught:
        unknown_names(*asked)
    assert str(caught.value) == (
        f"PAILITAO_{given} is no setting: write PAILITAO_{meant}, or remove it"
    )


def test_other_unknown_names_are_told_and_known_ones_are_not() -> None:
    names = {"PAILITAO_WEATHER": "1", "PAILITAO_ENV": "x", "PAILITAO_RUN": "a", "OTHER_RAET": "1"}
    assert unknown_names(Settings(dict.fromkeys(KNOWN_NAMES, "1")), names) == [
        "PAILITAO_ENV",
        "PAILITAO_WEATHER",
    ]


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
@settings(max_examples=50)
def test_words_are_as_far_from_each_other_as_one_types(one: str, other: str) -> None:
    far = edit_distance(one, other)
    assert far == edit_distance(other, one)
    assert (far == 0) is (one == other)
    assert abs(len(one) - len(other)) <= far <= max(len(one), len(other))
    assert edit_distance(f"{one}x", one) == 1


def test_two_letters_that_were_swapped_are_one_mistake() -> None:
    assert edit_distance("RAET", "RATE") == 1


# keys of a file


def test_keys_are_read_once_and_carried_to_whoever_reads_the_settings_again() -> None:
    """From a pipe, as the shell's <(…) makes it, nothing comes a second time."""
    reading, writing = os.pipe()
    os.write(writing, b'[[key]]\nname = "a"\napp_key = "k"\napp_secret = "s"\n')
    os.close(writing)
    project = Settings({"PAILITAO_CREDENTIALS": f"/dev/fd/{reading}"})
    first = Config.read(project, {})
    os.close(reading)
    project.set("PAILITAO_CREDENTIALS", KeysFile.of(first), priority="cmdline")

    second = Config.read(project.copy(), {})

    assert [key.name for key in keys_of(first)] == ["a"]
    assert second.keys == first.keys
    assert second == first
    assert "'s'" not in repr(second)
    assert str(project["PAILITAO_CREDENTIALS"]) == f"/dev/fd/{reading}"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GATEWAY": "router?secret=PASS"}, "secret: router has no such options"),
        ({"URL": "ftp://me:PASS@gw.example/x"}, "'ftp://gw.example/x'"),
        ({"URL": "htp://gw.example/?token=PASS"}, "'htp://gw.example/'"),
    ],
    ids=["option", "login", "query"],
)
def test_no_secret_in_an_address_or_option_is_printed(settings: dict[str, str], said: str) -> None:
    from pailitao_spider.gateways.registry import dialect

    given = {f"PAILITAO_{name}": text for name, text in settings.items()}

    def read() -> object:
        return dialect(Config.read(Settings(given), {}, needs_key=False).gateway)

    with pytest.raises(ConfigError) as told:
        read()
    assert said in str(told.value)
    assert "PASS" not in str(told.value)


def test_what_names_a_gateway_in_files_and_in_redis_holds_no_login() -> None:
    from pailitao_spider.config.credentials import KeyConfig

    url = "https://me:PASS@gw.example/rest?key=PASS"
    key = KeyConfig(name="k", gateway="my.module:Dialect?secret=PASS", url=url)
    assert key.group == "my.module:Dialect?secret=*** https://gw.example/rest?key=***"
    plain = KeyConfig(name="k", gateway="router", url="https://gw.example/rest?x=1")
    assert plain.group == "router https://gw.example/rest?x=1"
