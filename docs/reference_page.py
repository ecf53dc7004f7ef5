"""Writes docs/reference.md from the code: settings, arguments, fields, stats, exit codes, verbs.

    python docs/reference_page.py

`tests/test_docs.py` fails where the page is not what this writes, or a name has no word of help.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from pailitao_spider import stat_keys
from pailitao_spider.cli.search import ARGUMENTS
from pailitao_spider.cli.verbs import GROUPS, verb_module
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.setting_table import KNOWN_NAMES
from pailitao_spider.offers import Offer
from pailitao_spider.results.records import LedgerLine

PAGE = Path(__file__).parent / "reference.md"

SETTINGS: dict[str, tuple[str, str]] = {
    "PAILITAO_GATEWAY": ("`router`", "`router`, `imagequery`, `linkplus`, `onebound`, `tmapi`, a "
        "file `./my.toml` that describes one, or the import path of your own; options as in a URL: "
        "`router?sign_method=hmac-sha256` ([gateways](gateways.md))"),
    "PAILITAO_APP_KEY": ("", "your app's key"),
    "PAILITAO_APP_SECRET": ("", "your app's secret"),
    "PAILITAO_ACCESS_TOKEN": ("", "the token, where the gateway has one; TMAPI's apiToken"),
    "PAILITAO_REFRESH_TOKEN": ("", "renews the access token when it dies, once for all calls"),
    "PAILITAO_CREDENTIALS": ("", "a TOML file with several keys, in place of the four above "
        "([keys](keys.md))"),
    "PAILITAO_URL": ("the gateway's", "stands in for the gateway's address"),
    "PAILITAO_TOKEN_URL": ("the gateway's", "stands in for the address where tokens are renewed"),
    "PAILITAO_RATE": ("found", "calls a second and key, in a cluster of all workers together"),
    "PAILITAO_BURST": ("`1`", "calls at once, of a key"),
    "PAILITAO_DAILY_CALLS": ("no limit", "calls a day and key; days begin at midnight in Beijing, "
        "counted over all your runs, in a cluster over all workers"),
    "PAILITAO_PRICE": ("", "yuan a billed call"),
    "PAILITAO_MAX_SPEND": ("no limit", "yuan a day, all keys together; each needs its price"),
    "PAILITAO_DRIFT_LIMIT": ("`0.2`", "the share of rows that may be unreadable before a run stops"),
    "PAILITAO_DEDUP": ("`crawl`", "an offer once in the `crawl`, once a `seed`, or `off`"),
    "PAILITAO_MATCHES": ("`1`", "write `offers.matches.jsonl`; the package's own spider does"),
    "PAILITAO_SQL_URL": ("", "a database that follows the feed: `sqlite:///offers.db`, "
        "`postgresql://user:password@host/name`; in no log ([sql](sql.md))"),
    "PAILITAO_PANEL": ("`1`", "`0`: lines in place of the panel, on a terminal too"),
    "PAILITAO_METRICS_PORT": ("off", "serve Prometheus metrics while the crawl runs "
        "([watching](watching.md))"),
    "PAILITAO_METRICS_HOST": ("`127.0.0.1`", "who may ask for them"),
    "PAILITAO_HTTP": ("`twisted`", "Scrapy's usual download handler for calls, or `aiohttp`"),
    "PAILITAO_LANE": ("`searches`", "whose items take the short way through the pipelines: answers "
        "to searches, `1` all responses, `0` none ([scrapy](scrapy.md))"),
    "PAILITAO_LANG": ("the locale", "`zh` or `en`: the language of the command line"),
    "PAILITAO_CSV_BOM": ("`0`", "begin `.csv` with a byte order mark, for Excel"),
    "PAILITAO_TRANSIENT_TRIES": ("`8`", "tries of a page through 5xx, timeouts, resets, HTML and "
        "cut answers, with full jitter"),
    "PAILITAO_SANDBOX": ("off", "`1`, or options: invented offers, no key ([sandbox](sandbox.md))"),
    "PAILITAO_CLUSTER": ("off", "`1`: the crawl is a worker of a run that many share "
        "([cluster](cluster.md))"),
    "PAILITAO_RUN": ("`default`", "the shared run's name, in Redis and below `results/`"),
    "PAILITAO_LEASE_SECONDS": ("`30`", "so long after a worker is killed its pages come back"),
    "PAILITAO_MAX_DELIVERIES": ("`5`", "so many workers may vanish with a page before it is put "
        "aside"),
}  # fmt: skip

FIELDS: dict[str, str] = {
    "num_iid": "digits, never empty",
    "title": "without markup",
    "detail_url": "`https://detail.1688.com/offer/<num_iid>.html`, rebuilt",
    "price": "with the digits of the source (29.90); null where a range is told",
    "promotion_price": "",
    "price_min": "the least of a range or of price breaks",
    "price_max": "the most of them",
    "post_fee": "postage of an order",
    "min_order": "",
    "sales": "`1.1万+` is 11000",
    "sales_at_least": "true where the source said `+`",
    "sales_window": "`total`, `30d`, `90d`, `7d`: what `sales` counts",
    "trade_num": "",
    "similarity": "0 to 1, the gateway's own",
    "feedback_rate": "0 to 1",
    "score": "",
    "is_onsale": "",
    "one_stop_service": "一件代发: the supplier ships single pieces to your customers",
    "is_ad": "an advertisement's link",
    "seller_id": "",
    "seller_nick": "",
    "area": "",
    "shop_type": "",
    "unit": "what a price is for: 件, 双, …",
    "cid": "the category's id",
    "category_name": "",
    "property": "",
    "freight_template": "",
    "pic_url": "absolute https",
    "pic_small_url": "absolute https",
    "create_time": "ISO 8601; times without a zone are Beijing's",
    "update_time": "the same",
    "title_translated": "the gateway's translation",
    "repurchase_rate": "0 to 1, 复购率",
    "dropship_price": "for a single piece",
    "price_breaks": "`{min_quantity, price}`, by quantity",
    "seller_badges": "the gateway's words",
    "offer_badges": "the gateway's words",
    "is_factory": "",
    "shop_years": "",
    "ships_from": "",
    "ship_within_hours": "",
    "weight_kg": "",
    "is_patented": "",
    "currency": "`CNY` unless the gateway says otherwise; nothing is converted",
    "extra": "members that the schema does not know, and raw values that could not be read",
    "seed_id": "whose search it came from: the first sighting",
    "seed_image": "its picture: an address, a path, `list.xlsx#…` for one in a cell",
    "seed_extra": "the other columns of its line",
    "page": "",
    "rank": "its place in the search, from 1",
    "gateway": "`sandbox` where it is invented",
    "request_id": "the gateway's",
    "fetched_at": "ISO 8601",
}

STATS: dict[str, str] = {
    "SEEDS_KNOWN": "skipped since done before",
    "SEEDS_SAME_PICTURE": "ended with another seed's search",
    "SEEDS_IN_VAIN": "not searched again, since it would end as before (`-a again=1` does)",
    "SEEDS_NOT_SHOWN": "seeds of which the gateway showed fewer offers than it reports",
    "SHORT_OF": "offers that those seeds should have",
    "SHORT_SEEN": "offers that were seen of them",
    "PAGES": "answers read",
    "ROWS": "rows in them",
    "OFFERS_NEW": "offers that were kept",
    "OFFERS_DUPLICATE": "known before",
    "OFFERS_REJECTED": "rows that are no offer",
    "OFFERS_FILTERED": "left out by a limit of yours",
    "CALLS": "calls that left, uploads and retries included",
    "CALLS_BILLED": "those that are charged for",
    "PICTURES_UPLOADED": "pictures uploaded",
    "TOKEN_REFRESHED": "tokens renewed",
    "GATE_WAIT_SECONDS": "seconds that calls waited for the rate, summed over calls",
    "SQL_OFFERS": "rows put into the database by this run, new ones and newer ones",
    "SQL_MATCHES": "the same of matches",
    "SQL_HISTORY": "the same of changes",
    "SQL_SEEDS": "the same of seeds",
    "SQL_BEHIND": "lines that are not in it yet at the end",
    "SQL_LEFT_OUT": "lines that could not be read, or were not taken",
    "LEASES_TAKEN": "pages a worker took",
    "LEASES_ACKED": "pages it brought to their end",
    "LEASES_RECLAIMED": "pages found with a vanished worker",
    "LEASES_BURIED": "pages put aside",
    "seeds": "seeds with a final line, by status",
    "refused": "refusals by class: throttled, spent, token, denied, bad_seed, transient",
    "field_unreadable": "rows in which a field could not be read",
    "drift": "rows with a member that nobody documents (`unknown`), or of another type (`flipped`)",
}
"""By the name in `stat_keys`."""

EXITS = (
    ("0", "every seed was searched to its end"),
    ("1", "seeds failed or came only in part, or the run stopped early; the ledger says which and "
          "why. Something is not in the database yet. Of a verb: not all could be read; of `doctor`: "
          "something is wrong"),
    ("2", "a setting, argument, source or output that cannot be used, or is in use by another run; "
          "nothing was sent"),
    ("3", "of `diff --fail-on-change`: something changed"),
)  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = (
        ("Reference", _intro()), ("Arguments", _arguments()), ("Settings", _settings()),
        ("An offer", _fields()), ("The ledger", _ledger()), ("Exit codes", _exits()),
        ("Stats", _stats()), ("Commands", _verbs()),
    )  # fmt: skip
    texts = (f"{'#' if not place else '##'} {title}\n\n" + "\n".join(lines)
             for place, (title, lines) in enumerate(parts))  # fmt: skip
    return "\n\n".join(texts) + "\n"


def _intro() -> Iterator[str]:
    yield "Made from the code by `python docs/reference_page.py`; a test keeps it so."


def _table(*head: str) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)


def _arguments() -> Iterator[str]:
    yield "`pailitao search SOURCE --max-pages 2` is `scrapy crawl pailitao -a seeds=SOURCE -a max_pages=2`."
    yield ""
    yield from _table("`-a`", "option", "takes", "")
    yield "| `seeds` | SOURCE | picture, folder, address, list, `-` | [what to search for](seeds.md) |"
    for each in fields(Arguments):
        if each.name != "seeds":
            takes, text = ARGUMENTS[each.name]
            takes = takes.replace("|", " or ")
            yield f"| `{each.name}` | `--{each.name.replace('_', '-')}` | {takes} | {text} |"


def _settings() -> Iterator[str]:
    yield ("By `-s NAME=VALUE`, as environment variable, or in `pailitao.toml` in lower case without "
           "the prefix; the first of these holds ([keys](keys.md)).")  # fmt: skip
    yield ""
    yield from _table("setting", "default", "")
    for name in SETTINGS:
        default, text = SETTINGS[name]
        yield f"| `{name}` | {default} | {text} |"
    yield ("| `REDIS_URL` | `redis://localhost:6379` | of a cluster; also `rediss://`, `unix://`, "
           "`redis+sentinel://…/service`, `redis+cluster://` |")  # fmt: skip
    yield ""
    yield ("`DOWNLOAD_TIMEOUT` is 30 s for calls unless you set it. Certificates are checked. Scrapy's "
           "own log lines below WARNING are shown when you give `-L` or `--logfile`.")  # fmt: skip


_TYPES = (("Decimal", "number"), ("int", "integer"), ("bool", "true or false"),
          ("list[str]", "list of text"), ("list", "list of objects"), ("dict", "object"),
          ("str", "text"))  # fmt: skip


def _fields() -> Iterator[str]:
    yield ("A line of `offers.jsonl`. Null is unknown: never zero, never false. A row without a "
           "usable id is rejected; a field that cannot be read leaves its row.")  # fmt: skip
    yield ""
    yield from _table("field", "type in JSON", "")
    hints = get_type_hints(Offer)
    for each in fields(Offer):
        said = inspect.formatannotation(hints[each.name])
        kind = next(word for sign, word in _TYPES if sign in said)
        null = ", or null" if "None" in said else ""
        yield f"| `{each.name}` | {kind}{null} | {FIELDS[each.name]} |"
    yield ("| `visual_similarity` | number, or null | 0 to 1, only after `pailitao similarity`; never "
           "mixed with the gateway's |")  # fmt: skip


def _ledger() -> Iterator[str]:
    names = ", ".join(f"`{each.name}`" for each in fields(LedgerLine))
    yield f"A line of `offers.seeds.jsonl` is the end of one seed: {names}."
    yield ""
    yield ("`status` is `done`, `empty`, `partial` or `failed`, with its `reason`. A seed that the run "
           "leaves open has no line: the next run with `-o` takes it up ([going on](going-on.md)).")  # fmt: skip


def _exits() -> Iterator[str]:
    yield from _table("code", "meaning")
    for code, text in EXITS:
        yield f"| {code} | {text} |"


def _stats() -> Iterator[str]:
    yield from _table("key", "counts")
    for name, text in STATS.items():
        key = getattr(stat_keys, name)
        shown = key if isinstance(key, str) else _pattern(name)
        yield f"| `{shown}` | {text} |"


def _pattern(name: str) -> str:
    made = getattr(stat_keys, name)
    names = (f"<{each}>" for each in inspect.signature(made).parameters)
    text: str = made(*names)
    return text


def _verbs() -> Iterator[str]:
    yield "`pailitao COMMAND --help` tells more; `scrapy pailitao COMMAND` is the same."
    yield ""
    yield from _table("command", "")
    yield "| `search SOURCE` | search 1688 for every picture; `--dry-run` estimates before paying |"
    for verbs in GROUPS.values():
        for verb in verbs:
            yield f"| `{verb}` | {verb_module(verb).SUMMARY} |"
    yield "| `completion SHELL` | the script that completes what is typed: bash, zsh, tcsh |"


def missing() -> dict[str, set[str]]:
    """Names of the code without a word of help, and words for names that are gone."""
    return {
        "settings": set(KNOWN_NAMES) ^ set(SETTINGS),
        "fields": {each.name for each in fields(Offer)} ^ set(FIELDS),
        "stats": set(stat_keys.__all__) ^ set(STATS),
        "arguments": {each.name for each in fields(Arguments)} ^ {*ARGUMENTS, "seeds"},
    }


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
