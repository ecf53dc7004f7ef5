"""A database that follows the feed: the same laws on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from scrapy.settings import Settings

from pailitao_spider.crawl import preflight
from pailitao_spider.errors import ConfigError
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.sql import reading
from pailitao_spider.sql.connection import Database, DatabaseAwayError
from pailitao_spider.sql.following import Follower
from pailitao_spider.sql.urls import database_url
from pailitao_spider.verbs import sql
from tests.clusters import Cluster
from tests.crawling import REPOSITORY, Crawled, Crawler
from tests.postgresql import PASSWORD, PostgresServer
from tests.test_faults import photo
from tests.test_going_on import assert_whole, await_answer
from tests.test_question_verbs import Told
from tests.test_questions import feed, line

D = Decimal
DAYS = [f"2026-11-{day:02}T08:00:00.000+00:00" for day in range(1, 29)]


class Store:
    """A database under test."""

    url: str

    def rows(self, query: str) -> list[Any]:
        raise NotImplementedError

    @contextmanager
    def away(self) -> Iterator[None]:
        raise NotImplementedError
        yield

    def lose_tables(self) -> None:
        raise NotImplementedError

    def ids(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT num_iid FROM offers ORDER BY num_iid")]


class SqliteStore(Store):
    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self._path = path

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._path)) as database:
            return database.execute(query).fetchall()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Somebody holds it and lets nobody write."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            yield

    def lose_tables(self) -> None:
        for path in self._path.parent.glob(f"{self._path.name}*"):
            path.unlink()


class PostgresStore(Store):
    def __init__(self, server: PostgresServer) -> None:
        self.url = server.new_database()
        self._server = server

    def rows(self, query: str) -> list[Any]:
        with closing(psycopg.connect(self.url, autocommit=True)) as database:
            cursor = database.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def away(self) -> Iterator[None]:
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()

    def lose_tables(self) -> None:
        self.rows("DROP TABLE offers, history, matches, seeds, positions")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    made = PostgresServer()
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.desktop)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "offers.db")
    return PostgresStore(request.getfixturevalue("postgres"))


Put = Callable[..., Told]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Put:
    """`scrapy pailitao sql` in this process, where the feeds are."""
    monkeypatch.chdir(tmp_path)

    def put_(store: Store | str | None, *arguments: str) -> Told:
        url = store.url if isinstance(store, Store) else store
        parser = argparse.ArgumentParser()
        sql.add_options(parser)
        given = [*arguments, *([] if url is None else ["--url", url])]
        code = sql.run(parser.parse_args(given))
        told = Told(code, *capsys.readouterr())
        assert PASSWORD not in told.out + told.err
        return told

    return put_


def offer(num_iid: str, day: int, **fields: Any) -> bytes:
    return line(num_iid, fetched_at=DAYS[day], **fields)


def moment(value: Any) -> datetime:
    """As either database gives it, in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(f"{value}+00:00")


# what is in it


def test_each_field_has_its_type_and_unknown_is_null(
    store: Store, put: Put, tmp_path: Path
) -> None:
    extra = {"weight": D("1.50"), "note": None}
    full = offer("1", 0, price=D("29.90"), sales=0, is_ad=False, similarity=D("0.95"),
                 create_time="2026-01-02", extra=extra, title="鞋", page=2)  # fmt: skip
    feed(tmp_path, full, offer("2", 0))
    told = put(store, "offers.jsonl")
    assert (told.code, told.err) == (0, "")
    columns = "price, sales, is_ad, similarity, create_time, title, extra, seed_extra, price_min"
    rows = store.rows(f"SELECT {columns} FROM offers ORDER BY num_iid")
    price, sales, is_ad, similarity, created, title, extras, *unknown = rows[0]
    assert (D(str(price)), sales, D(str(similarity))) == (D("29.90"), 0, D("0.95"))
    assert is_ad is not None
    assert not is_ad
    assert (created, title, unknown) == ("2026-01-02", "鞋", [None, None])
    given = extras if isinstance(extras, dict) else json.loads(extras)
    assert given == {"weight": 1.5, "note": None}
    assert rows[1] == (None,) * 9


def test_the_tables_have_every_field_of_an_offer(store: Store, put: Put, tmp_path: Path) -> None:
    feed(tmp_path, offer("1", 0))
    put(store, "offers.jsonl")
    fields = ", ".join(f'"{name}"' for name in Offer.__dataclass_fields__)
    assert len(store.rows(f"SELECT {fields} FROM offers")) == 1


def test_history_keeps_each_change_and_nothing_older_than_the_newest(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 2, price=D("30.00"), title="old"), offer("2", 2, price=D(9)))
    feed(tmp_path, offer("1", 3, price=D("30.0"), title="new"),
         offer("2", 3, price=D(9), sales=5), name="later.jsonl")  # fmt: skip
    feed(tmp_path, offer("1", 1, price=D(99), title="oldest"), name="earlier.jsonl")
    assert "2 rows of history" in put(store, "offers.jsonl").out
    assert "1 row of history" in put(store, "later.jsonl").out
    assert "0 rows of history" in put(store, "earlier.jsonl").out

    history = store.rows("SELECT num_iid, price, sales FROM history ORDER BY num_iid, seen_at")
    assert [(key, D(str(price)), sales) for key, price, sales in history] == [
        ("1", D(30), None), ("2", D(9), None), ("2", D(9), 5)]  # fmt: skip
    ((title, first, last),) = store.rows(
        "SELECT title, first_seen_at, last_seen_at FROM offers WHERE num_iid = '1'"
    )
    assert title == "new"
    assert (moment(first), moment(last)) == (
        datetime.fromisoformat(DAYS[1]), datetime.fromisoformat(DAYS[3]))  # fmt: skip


def test_an_offer_several_times_in_one_batch_is_its_newest_line(
    store: Store, put: Put, tmp_path: Path
) -> None:
    prices = [(3, 3), (1, 1), (5, 4), (4, 9), (5, 7)]
    feed(tmp_path, *(offer("1", day, price=D(price)) for day, price in prices))
    put(store, "offers.jsonl")
    assert [D(str(row[0])) for row in store.rows("SELECT price FROM offers")] == [D(4)]
    history = store.rows("SELECT price FROM history ORDER BY seen_at")
    assert [D(str(row[0])) for row in history] == [D(3), D(4)]
    ((first,),) = store.rows("SELECT first_seen_at FROM offers")
    assert moment(first) == datetime.fromisoformat(DAYS[1])


def test_sightings_and_seeds_are_taken_from_what_lies_beside(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 1, rank=1, price=D(5), gateway="router"))
    feed(tmp_path, line("1", seed_id="a", rank=8), line("1", seed_id="b", rank=7),
         offer("1", 2, seed_id="b", rank=6), line("1", seed_id="b", rank=5),
         name="offers.matches.jsonl")  # fmt: skip
    seeds = [{"seed_id": "a", "image": "a.jpg", "status": status, "finished_at": DAYS[day]}
             for status, day in (("partial", 1), ("done", 3), ("failed", 2))]  # fmt: skip
    (tmp_path / "offers.seeds.jsonl").write_text("".join(json.dumps(s) + "\n" for s in seeds))
    told = put(store, "offers.jsonl")
    assert told.code == 0, told.err
    matches = store.rows("SELECT seed_id, rank, gateway FROM matches ORDER BY seed_id")
    assert matches == [("a", 1, "router"), ("b", 6, None)]
    assert store.rows("SELECT seed_id, status, reason FROM seeds") == [("a", "done", None)]


def test_a_field_of_another_type_is_unknown_and_its_value_kept(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer(1, 0, price="a lot", sales=2**70, title="a\0b", extra={"x": 1}))  # type: ignore[arg-type]
    assert put(store, "offers.jsonl").code == 0
    ((price, sales, extra),) = store.rows("SELECT price, sales, extra FROM offers")
    assert (price, sales) == (None, None)
    given = extra if isinstance(extra, dict) else json.loads(extra)
    assert given == {"x": 1, "price": "a lot", "sales": 2**70}


# each line once


def test_what_is_in_is_not_put_in_again_and_what_follows_is(
    store: Store, put: Put, tmp_path: Path
) -> None:
    path = feed(tmp_path, *(offer(str(number), 0) for number in range(2500)))
    assert "2500 offers" in put(store, "offers.jsonl").out
    assert "0 offers" in put(store, "offers.jsonl").out
    with path.open("ab") as file:
        file.write(offer("9999", 0))
    assert "1 offer," in put(store, "offers.jsonl").out
    ((lines, size),) = store.rows("SELECT lines, bytes FROM positions")
    assert (lines, size) == (2501, path.stat().st_size)
    assert len(store.ids()) == 2501


def test_a_torn_last_line_is_told_and_put_in_once_it_is_whole(
    store: Store, put: Put, tmp_path: Path
) -> None:
    whole = offer("2", 0)
    path = feed(tmp_path, offer("1", 0), whole[:20])
    told = put(store, "offers.jsonl")
    assert (told.code, store.ids()) == (1, ["1"])
    assert told.err.startswith("offers.jsonl: the last line is torn")
    with path.open("ab") as file:
        file.write(whole[20:])
    assert (put(store, "offers.jsonl").code, store.ids()) == (0, ["1", "2"])


def test_a_feed_that_was_started_over_is_read_from_its_beginning(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0), offer("2", 0), offer("3", 0))
    put(store, "offers.jsonl")
    feed(tmp_path, offer("4", 1), offer("5", 1))
    assert "2 offers" in put(store, "offers.jsonl").out
    # of the same length, with the same first line
    feed(tmp_path, offer("4", 1), offer("6", 1))
    assert "1 offer," in put(store, "offers.jsonl").out
    feed(tmp_path, offer("4", 1))
    assert "0 offers" in put(store, "offers.jsonl").out
    assert store.ids() == ["1", "2", "3", "4", "5", "6"]


def test_lines_that_are_no_offers_are_told_and_the_others_put_in(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0), b"\n", b'{"num_iid":"\xff"}\n', b"[]\n", b"{}\n", offer("2", 0))
    told = put(store, "offers.jsonl")
    assert (told.code, store.ids()) == (1, ["1", "2"])
    assert told.err == ("3 lines could not be read or were not taken, and are left out, "
                        "the first at offers.jsonl:3\n")  # fmt: skip


def test_what_jsonb_cannot_hold_is_kept_as_a_text_of_the_whole(
    postgres: PostgresServer, put: Put, tmp_path: Path
) -> None:
    store = PostgresStore(postgres)
    extras = {"1": {"a": 29.90}, "2": {"a": "x\0y"}}
    feed(tmp_path, *(json.dumps({"num_iid": each, "extra": extra}).encode() + b"\n"
                     for each, extra in extras.items()))  # fmt: skip
    assert put(store, "offers.jsonl").code == 0
    kinds = "SELECT num_iid, jsonb_typeof(extra), extra ->> 'a' FROM offers ORDER BY num_iid"
    assert store.rows(kinds) == [("1", "object", "29.9"), ("2", "string", None)]


def test_a_line_that_the_database_does_not_take_stops_none_of_the_others(
    postgres: PostgresServer, put: Put, tmp_path: Path
) -> None:
    store = PostgresStore(postgres)
    ids = [str(number) for number in range(50)]
    too_long = "".join(f"{number * 7919 % 99991:x}" for number in range(9000))
    lines = [offer(each, 0) for each in ids]
    lines[30:30] = [offer(too_long, 0)]
    feed(tmp_path, *lines)
    told = put(store, "offers.jsonl")
    assert (told.code, store.ids()) == (1, sorted(ids))
    assert "1 line could not" in told.err
    assert "the first at offers.jsonl:31" in told.err
    assert put(store, "offers.jsonl").code == 0


def test_two_writers_at_once_leave_what_one_after_the_other_would(
    store: Store, tmp_path: Path
) -> None:
    days = {0: range(0, 28, 2), 1: range(1, 28, 2)}
    ids = [str(number) for number in range(150)]
    for writer, seen in days.items():
        order = ids if writer else ids[::-1]
        lines = [offer(key, day, price=D(day // 2)) for day in seen for key in order]
        feed(tmp_path, *lines, name=f"w{writer}.jsonl")
    failures: list[Exception] = []

    def follow(name: str) -> None:
        database = Database(database_url(store.url, "url"))
        follower = Follower(database, [ResultPaths.beside(tmp_path / name)])
        try:
            while follower.step():
                pass
        except Exception as error:
            failures.append(error)
        database.close()

    threads = [threading.Thread(target=follow, args=(f"w{writer}.jsonl",)) for writer in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures
    assert {D(str(row[0])) for row in store.rows("SELECT price FROM offers")} == {D(13)}
    assert store.ids() == sorted(ids)
    by_offer: dict[str, list[Any]] = {}
    for key, price in store.rows("SELECT num_iid, price FROM history ORDER BY num_iid, seen_at"):
        by_offer.setdefault(key, []).append(D(str(price)))
    assert by_offer.keys() == set(ids)
    for prices in by_offer.values():
        assert prices == sorted(set(prices)), "a row where nothing changed, or out of order"
        assert prices[-1] == 13


def test_what_somebody_else_has_put_in_meanwhile_is_not_put_in_again(
    store: Store, tmp_path: Path
) -> None:
    path = feed(tmp_path, offer("x", 0))
    with closing(Database(database_url(store.url, "url"))) as database:
        one, other = (Follower(database, [ResultPaths.beside(path)]) for _ in range(2))
        assert one.step()
        assert not other.step()
        with path.open("ab") as file:
            file.writelines(offer(str(number), 0) for number in range(2500))
        assert one.step()
        assert one.step()
        assert other.step()
        assert store.rows("SELECT lines FROM positions") == [(2001,)], "it went back"
        for follower in (other, one):
            while follower.step():
                pass
    assert (one.tally.offers, other.tally.offers) == (2001, 500)
    assert store.rows("SELECT lines FROM positions") == [(2501,)]


def test_a_database_that_lost_its_tables_is_filled_again(store: Store, tmp_path: Path) -> None:
    path = feed(tmp_path, *(offer(str(number), 0) for number in range(1500)))
    with closing(Database(database_url(store.url, "url"))) as database:
        follower = Follower(database, [ResultPaths.beside(path)])
        while follower.step():
            pass
        store.lose_tables()
        with path.open("ab") as file:
            file.write(offer("last", 0))
        with pytest.raises(DatabaseAwayError, match="positions"):
            follower.step()
        while follower.step():
            pass
        assert follower.behind().lines == 0
    assert len(store.ids()) == 1501


def test_a_position_never_cuts_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_BYTES", 300)
    path = feed(tmp_path, *(offer(str(number), 0, title="x" * number) for number in range(400)))
    position, lines = reading.START, []
    while (batch := reading.read(path, position)).lines:
        lines += batch.lines
        position = reading.position_after(path, batch)
        assert reading.stands(path, position)
    assert b"".join(lines) == path.read_bytes()


# mistakes


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("offers.db", "is no database URL"),
        (f"mysql://u:{PASSWORD}@h/x", "no database that is known"),
        (f"postgresql+psycopg2://u:{PASSWORD}@h/x", "no database that is known"),
        (f"postgresql://u:{PASSWORD}@{PASSWORD}@h/x", "write @ as %40"),
        (f"postgresql://u:p@{PASSWORD}/x@h/x", "write @ as %40"),
        (f"postgresql://u:p@{PASSWORD}?x@h/x", "write @ as %40"),
        (f"postgresql://u:{PASSWORD}@h:port/x", "is no database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///no/such/offers.db", "in a folder that exists"),
        ("sqlite:///.", "cannot be a file"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_one_line_without_it(
    put: Put, tmp_path: Path, url: str, said: str
) -> None:
    feed(tmp_path, offer("1", 0))
    told = put(url, "offers.jsonl")
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert told.err.startswith("--url: ")
    assert len(told.err.splitlines()) == 1
    with pytest.raises(ConfigError, match=re.escape(said)) as raised:
        preflight.check(_settings(url), {"seeds": "-"})
    assert PASSWORD not in str(raised.value)
    assert str(raised.value).startswith("PAILITAO_SQL_URL: ")


def _settings(url: str, out: str = "offers.jsonl", **feed_options: Any) -> Settings:
    feeds = {out: {"format": Path(out).suffix[1:], "overwrite": True, **feed_options}}
    return Settings({"PAILITAO_SQL_URL": url, "PAILITAO_SANDBOX": "1", "FEEDS": feeds})


@pytest.mark.parametrize(
    ("url", "out", "said"),
    [
        ("sqlite:///a.db", "offers.csv", "give -O offers.jsonl as well"),
        ("sqlite:///offers.jsonl", "offers.jsonl", "a file of the crawl's own"),
        ("sqlite:///offers.state.sqlite", "offers.jsonl", "a file of the crawl's own"),
    ],
)
def test_a_crawl_that_no_database_can_follow_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, out: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=re.escape(said)):
        preflight.check(_settings(url, out), {"seeds": "-"})
    assert not list(tmp_path.iterdir())
    preflight.check(_settings("sqlite:///a.db"), {"seeds": "-"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no feed"),
        (["gone.jsonl"], "gone.jsonl does not exist"),
        (["offers.csv"], "no .jsonl feed"),
        (["offers.seeds.jsonl"], "no feed"),
    ],
)
def test_what_is_no_feed_is_named(put: Put, tmp_path: Path, given: list[str], said: str) -> None:
    for name in ("offers.csv", "offers.seeds.jsonl"):
        (tmp_path / name).write_text("{}\n")
    told = put("sqlite:///a.db", *given)
    assert (told.code, len(told.err.splitlines())) == (2, 1)
    assert said in told.err
    assert "no database; give --url" in put(None, "offers.jsonl").err


def test_tables_of_another_version_are_told_with_what_adds_the_column(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0, post_fee=D("5.50")))
    put(store, "offers.jsonl")
    store.rows("ALTER TABLE offers DROP COLUMN post_fee")
    told = put(store, "offers.jsonl")
    assert (told.code, len(told.err.splitlines())) == (2, 1)
    statement = told.err.strip().rpartition(": ")[2]
    assert statement == "ALTER TABLE offers ADD COLUMN post_fee NUMERIC"
    store.rows(statement)
    assert put(store, "offers.jsonl").code == 0


def test_what_was_looked_at_is_kept_also_beside_what_is_in_already(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0), offer("2", 0), offer("3", 0))
    looked = {"visual_similarity": D("0.8812")}
    feed(tmp_path, offer("1", 0, **looked), offer("2", 0, visual_similarity=None),
         offer("4", 0, **looked), offer("3", 0), offer("3", 0, **looked),
         name="offers.looked.jsonl")  # fmt: skip
    put(store, "offers.jsonl")
    told = put(store, "offers.looked.jsonl")
    assert (told.code, told.out.partition(",")[0]) == (0, "3 offers")
    query = "SELECT num_iid, visual_similarity FROM offers ORDER BY num_iid"
    found = {key: value if value is None else D(str(value)) for key, value in store.rows(query)}
    assert found == {"1": D("0.8812"), "2": None, "3": D("0.8812"), "4": D("0.8812")}


def test_a_database_of_an_earlier_version_is_given_the_column_and_goes_on(
    store: Store, put: Put, tmp_path: Path
) -> None:
    path = feed(tmp_path, offer("1", 0))
    put(store, "offers.jsonl")
    store.rows("ALTER TABLE offers DROP COLUMN visual_similarity")
    with path.open("ab") as file:
        file.write(offer("2", 0, visual_similarity=D("0.5")))
    told = put(store, "offers.jsonl")
    assert (told.code, told.out.partition(",")[0], told.err) == (0, "1 offer", "")
    query = "SELECT num_iid, visual_similarity FROM offers ORDER BY num_iid"
    assert [(key, value and float(value)) for key, value in store.rows(query)] == [
        ("1", None), ("2", 0.5)]  # fmt: skip


LATER = {
    "offers": (
        "title_translated", "repurchase_rate", "dropship_price", "price_breaks", "seller_badges",
        "offer_badges", "is_factory", "shop_years", "ships_from", "ship_within_hours", "weight_kg",
        "is_patented", "currency",
    ),
    "history": ("post_fee", "freight_template", "unit", "currency", "dropship_price"),
    "seeds": ("offers_seen", "coverage", "seed_extra"),
}  # fmt: skip


def test_a_database_of_the_first_version_keeps_its_rows_and_goes_on(
    store: Store, put: Put, tmp_path: Path
) -> None:
    path = feed(tmp_path, offer("1", 0, post_fee=D("5.50")))
    put(store, "offers.jsonl")
    for table, names in LATER.items():
        for name in names:
            store.rows(f"ALTER TABLE {table} DROP COLUMN {name}")
    with path.open("ab") as file:
        file.write(offer("1", 1, post_fee=D("5.50")))
        file.write(offer("2", 1, repurchase_rate=D("0.15"), seller_badges=["tp_member"]))
        file.write(offer("1", 2, post_fee=D("7.50"), currency="CNY"))

    told = put(store, "offers.jsonl")

    assert (told.code, told.err) == (0, "")
    offers = store.rows("SELECT num_iid, currency, repurchase_rate FROM offers ORDER BY num_iid")
    assert [(key, currency, rate and float(rate)) for key, currency, rate in offers] == [
        ("1", "CNY", None), ("2", "CNY", 0.15)]  # fmt: skip
    history = "SELECT num_iid, post_fee FROM history ORDER BY num_iid, seen_at"
    assert [(key, fee and float(fee)) for key, fee in store.rows(history)] == [
        ("1", None), ("1", 7.5), ("2", None)]  # fmt: skip


def test_a_user_without_the_right_is_told_what_to_have_added(
    postgres: PostgresServer, put: Put, tmp_path: Path
) -> None:
    store = PostgresStore(postgres)
    feed(tmp_path, offer("1", 0))
    put(store, "offers.jsonl")
    store.rows("ALTER TABLE offers DROP COLUMN visual_similarity")
    store.rows(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'")
    store.rows("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO clerk")
    told = put(store.url.replace("//pailitao:", "//clerk:"), "offers.jsonl")
    assert (told.code, len(told.err.splitlines())) == (2, 1)
    assert told.err.endswith("ALTER TABLE offers ADD COLUMN visual_similarity NUMERIC\n")


def test_what_cannot_be_read_is_null_told_and_kept_in_extra(
    store: Store, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0, price="abc", sales="5"), offer("2", 0, similarity=7, min_order=-1),
         b"\xef\xbb\xbf" + offer("3", 0))  # fmt: skip
    told = put(store, "offers.jsonl")
    assert told.code == 0
    assert (
        told.err
        == "2 lines have values that cannot be read and are NULL; an offer's stand in extra\n"
    )
    rows = store.rows(
        "SELECT price, sales, similarity, min_order, extra FROM offers ORDER BY num_iid"
    )
    *values, extra = rows[0]
    assert values == [None, 5, None, None]
    assert extra in ({"price": "abc"}, '{"price":"abc"}')
    assert rows[1][:4] == (None, None, None, None)
    assert len(rows) == 3


def test_a_missing_package_is_told_with_the_names_to_install(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(tmp_path, offer("1", 0))
    monkeypatch.setattr("pailitao_spider.config.database_feed.find_spec", lambda name: None)
    packages = {
        "postgresql://u:p@h/n": "SQLAlchemy 'psycopg[binary]'",
        "sqlite:///a.db": "SQLAlchemy",
    }
    for url, names in packages.items():
        told = put(url, "offers.jsonl")
        assert (told.code, told.err.endswith(f"pip install {names}\n")) == (2, True)


def test_a_wrong_password_is_told_without_it(
    postgres: PostgresServer, put: Put, tmp_path: Path
) -> None:
    feed(tmp_path, offer("1", 0))
    url = postgres.new_database().replace(PASSWORD, "other-secret")
    told = put(url, "offers.jsonl")
    assert told.code == 2
    assert "password authentication failed" in told.err
    assert "other-secret" not in told.err


def test_nothing_of_sqlalchemy_is_loaded_where_no_database_is_asked_for() -> None:
    modules = (
        "addon", "crawl.preflight", "extensions.sql_follower", "verbs.sql", "commands.pailitao",
    )  # fmt: skip
    names = ", ".join(f"pailitao_spider.{name}" for name in modules)
    check = f"import sys, {names}; sys.exit('sqlalchemy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", check], cwd=REPOSITORY, check=False).returncode == 0
    )


# crawls

CATALOGUE = Catalogue()
Serve = Callable[..., Site]


def assert_followed(store: Store, crawled: Crawled) -> None:
    """The database holds the feed and its ledger, no more and no less."""
    assert store.ids() == sorted(crawled.ids)
    ((history,),) = store.rows("SELECT count(*) FROM history")
    assert history == len(crawled.ids), "no price changed"
    seeds = store.rows("SELECT seed_id, status FROM seeds")
    assert dict(seeds) == {key: line["status"] for key, line in crawled.ledger.items()}
    matches = {(row[0], row[1]) for row in store.rows("SELECT seed_id, num_iid FROM matches")}
    assert matches >= {(each["seed_id"], each["num_iid"]) for each in crawled.offers}


def await_rows(store: Store) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if store.ids():
                return
        except (sqlite3.Error, psycopg.Error):
            time.sleep(0.05)
        time.sleep(0.02)


def test_a_killed_crawl_goes_on_exactly_where_the_database_stands(
    store: Store, serve_sandbox: Serve, crawler: Crawler
) -> None:
    crawler.use(serve_sandbox(Gateway(CATALOGUE, latency_seconds=0.02)), rate=30, sql_url=store.url)
    crawler.seeds(*map(photo, range(45)))
    process = crawler.start()
    await_rows(store)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=240)
    assert len(store.ids()) > 0

    crawled = crawler.crawl(out="-o")

    assert crawled.exit_code == 0, crawled.log
    assert_whole(crawled, range(45))
    assert_followed(store, crawled)
    assert PASSWORD not in crawled.log
    added = crawled.stats["pailitao/sql/offers"]
    assert 0 < added < len(crawled.ids)
    assert f"database: {added} offers put in" in crawled.log


def test_a_database_that_is_killed_and_comes_back_misses_nothing(
    postgres: PostgresServer, serve_sandbox: Serve, crawler: Crawler
) -> None:
    store = PostgresStore(postgres)
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=20, sql_url=store.url)
    crawler.seeds(*map(photo, range(60)))
    process = crawler.start("-L", "DEBUG")
    await_rows(store)
    with store.away():
        await_answer(crawler)
        time.sleep(1.5)
    log, _ = process.communicate(timeout=240)

    crawled = Crawled(process.returncode, log, crawler.folder)
    assert crawled.exit_code == 0, log
    assert_whole(crawled, range(60))
    assert_followed(store, crawled)
    assert log.count("the database takes nothing") >= 1
    assert "the database is back: what was written meanwhile is being put in" in log
    assert "Traceback" not in log
    assert PASSWORD not in log


def test_a_database_that_stays_away_is_told_and_the_verb_puts_the_rest_in(
    postgres: PostgresServer, serve_sandbox: Serve, tmp_path: Path, put: Put
) -> None:
    stores = [SqliteStore(tmp_path / "a.db"), PostgresStore(postgres)]
    started = []
    with stores[0].away(), stores[1].away():
        for number, store in enumerate(stores):
            folder = tmp_path / str(number)
            folder.mkdir()
            crawler = Crawler(folder)
            crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=200, sql_url=store.url)
            crawler.seeds(*map(photo, range(5)))
            started.append((crawler, crawler.start()))
        logs = [process.communicate(timeout=90)[0] for _, process in started]

    for store, (crawler, process), log in zip(stores, started, logs, strict=True):
        crawled = Crawled(process.returncode, log, crawler.folder)
        assert crawled.exit_code == 1, log
        assert_whole(crawled, range(5))
        said = f"up to {len(crawled.ids)} offers are not in the database yet: "
        assert said in log
        assert "; scrapy pailitao sql offers.jsonl puts them in" in log
        assert "Traceback" not in log
        assert PASSWORD not in log
        sighted = len(crawled.lines("offers.matches.jsonl"))
        assert crawled.stats["pailitao/sql/behind"] == len(crawled.ids) + sighted + 5
        told = put(store, str(crawler.folder / "offers.jsonl"))
        assert told.code == 0, told.err
        assert_followed(store, crawled)


# long proofs


@pytest.mark.soak
def test_a_frozen_database_does_not_keep_a_crawl_from_ending(
    postgres: PostgresServer, serve_sandbox: Serve, crawler: Crawler, put: Put
) -> None:
    store = PostgresStore(postgres)
    crawler.use(serve_sandbox(Gateway(CATALOGUE)), rate=20, sql_url=store.url)
    crawler.seeds(*map(photo, range(30)))
    process = crawler.start()
    await_rows(store)
    postgres.freeze()
    try:
        log, _ = process.communicate(timeout=120)
    finally:
        postgres.thaw()
    crawled = Crawled(process.returncode, log, crawler.folder)
    assert crawled.exit_code == 1, log
    assert "are not in the database yet" in log
    assert_whole(crawled, range(30))
    assert put(store, "offers.jsonl").code == 0
    assert_followed(store, crawled)


@pytest.mark.soak
def test_workers_of_a_cluster_fill_one_database_together(
    store: Store, serve_sandbox: Serve, cluster: Callable[..., Cluster]
) -> None:
    workers = cluster(serve_sandbox(Gateway(CATALOGUE)), sql_url=store.url, rate=40)
    workers.push(*map(photo, range(60)))
    assert workers.crawl() == [0, 0, 0], workers.logs
    assert store.ids() == sorted(workers.feed_ids)
    ((history,),) = store.rows("SELECT count(*) FROM history")
    assert history == len(workers.feed_ids)


_VERB_AND_ITS_PEAK = """
import atexit
from pathlib import Path
from scrapy.cmdline import execute

def tell():
    status = Path("/proc/self/status").read_text()
    print("PEAK", status.partition("VmHWM:")[2].split()[0])

atexit.register(tell)
execute(["scrapy", "pailitao", "sql", "offers.jsonl"])
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_a_million_offers_are_put_in_with_flat_memory(store: Store, tmp_path: Path) -> None:
    with (tmp_path / "offers.jsonl").open("wb") as file:
        for number in range(1_000_000):
            file.write(
                offer(str(10**14 + number * 7919 % 10**9), number % 28, price=D(number % 977) / 10,
                      title="旅行防水学生双肩包" * 3, seed_extra={"sell_price": "12.50"}, extra={},
                      rank=number % 50, page=1, detail_url="https://detail.1688.com/" * 4)
            )  # fmt: skip
    env = {**os.environ, "PAILITAO_SQL_URL": store.url, "PYTHONPATH": str(REPOSITORY)}
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _VERB_AND_ITS_PEAK], cwd=tmp_path, env=env,
                          check=True, timeout=1200, capture_output=True, text=True)  # fmt: skip
    peak = int(done.stdout.rpartition("PEAK ")[2]) // 1024
    print(f"{time.monotonic() - began:.0f} s, {peak} MB")
    ((number,),) = store.rows("SELECT count(*) FROM offers")
    assert number == 1_000_000
    assert peak < 250
