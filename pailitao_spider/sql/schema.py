"""The tables. They are made where they are missing; what is there is not changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, Table, Text, inspect
from sqlalchemy.schema import CreateColumn

from pailitao_spider.sql.kinds import ExactDecimal, Moment, type_of
from pailitao_spider.tables.columns import KINDS, OFFER_COLUMNS, Kind

__all__ = [
    "HISTORY", "MATCHES", "OFFERS", "POSITIONS", "SEEDS", "WATCHED", "added",
    "make", "missing",
]  # fmt: skip

_TABLES = MetaData()
_LATER = {"is_later": True}
"""Of a column that databases of earlier versions lack: they are given it."""

WATCHED = (
    "price", "promotion_price", "price_min", "price_max", "min_order", "sales", "sales_at_least",
    "sales_window", "trade_num", "is_onsale", "post_fee", "freight_template", "unit", "currency",
    "dropship_price",
)  # fmt: skip
"""The fields of which `history` keeps each change."""

_NEW_FIELDS = frozenset(
    (
        "title_translated", "repurchase_rate", "dropship_price", "price_breaks", "seller_badges",
        "offer_badges", "is_factory", "shop_years", "ships_from", "ship_within_hours", "weight_kg",
        "is_patented", "currency",
    )
)  # fmt: skip
_BEFORE = {"currency": "CNY"}
"""What the rows of an earlier version are given."""
_NEWLY_WATCHED = frozenset(("post_fee", "freight_template", "unit", "currency", "dropship_price"))

OFFERS = Table(
    "offers",
    _TABLES,
    *(
        Column(
            each.name,
            Moment() if each.name == "fetched_at" else type_of(each.kind),
            primary_key=each.name == "num_iid",
            info=_LATER if each.name in _NEW_FIELDS else {},
            server_default=_BEFORE.get(each.name),
        )
        for each in OFFER_COLUMNS
    ),
    Column("first_seen_at", Moment()),
    Column("last_seen_at", Moment()),
    Column("visual_similarity", type_of(Kind.RATE), info=_LATER),
)

HISTORY = Table(
    "history",
    _TABLES,
    Column("num_iid", Text(), primary_key=True),
    Column("seen_at", Moment(), primary_key=True),
    Column("gateway", Text()),
    *(
        Column(
            name,
            type_of(KINDS[name]),
            info=_LATER if name in _NEWLY_WATCHED else {},
            server_default=_BEFORE.get(name),
        )
        for name in WATCHED
    ),
)

MATCHES = Table(
    "matches",
    _TABLES,
    Column("seed_id", Text(), primary_key=True),
    Column("num_iid", Text(), primary_key=True),
    Column("page", BigInteger()),
    Column("rank", BigInteger()),
    Column("similarity", ExactDecimal()),
    Column("price", ExactDecimal()),
    Column("gateway", Text()),
    Column("seen_at", Moment()),
    Index("matches_by_offer", "num_iid"),
)

SEEDS = Table(
    "seeds",
    _TABLES,
    Column("seed_id", Text(), primary_key=True),
    *(Column(name, Text()) for name in ("image", "status", "reason")),
    *(
        Column(name, BigInteger())
        for name in ("pages_expected", "pages_fetched", "rows_seen", "offers_new",
                     "total_reported", "calls")
    ),
    Column("offers_seen", BigInteger(), info=_LATER),
    Column("coverage", type_of(Kind.RATE), info=_LATER),
    Column("seed_extra", type_of(Kind.JSON), info=_LATER),
    Column("started_at", Moment()),
    Column("finished_at", Moment()),
)  # fmt: skip

POSITIONS = Table(
    "positions",
    _TABLES,
    Column("path", Text(), primary_key=True),
    Column("beginning", Text(), primary_key=True),
    Column("bytes", BigInteger(), nullable=False),
    Column("lines", BigInteger(), nullable=False),
    Column("mark", Text(), nullable=False),
)


def make(connection: Connection) -> None:
    """Makes the tables that are not there."""
    _TABLES.create_all(connection)


def added(connection: Connection) -> list[str]:
    """What gives the tables of an earlier version the columns that came later."""
    return _statements(connection, is_later=True)


def missing(connection: Connection) -> list[str]:
    """What else the tables that are there lack, as statements that add it."""
    return _statements(connection, is_later=False)


def _statements(connection: Connection, *, is_later: bool) -> list[str]:
    inspector = inspect(connection)
    found = {
        table: {column["name"] for column in inspector.get_columns(table.name)}
        for table in _TABLES.sorted_tables
    }
    return [
        f"ALTER TABLE {table.name} ADD COLUMN {_spelled(column, connection)}"
        for table, names in found.items()
        for column in table.columns
        if column.name not in names and column.info.get("is_later", False) is is_later
    ]


def _spelled(column: Column[object], connection: Connection) -> str:
    return str(CreateColumn(column).compile(dialect=connection.dialect)).strip()
