"""`pailitao search SOURCE --dry-run`: what a run would ask for and cost; nothing is sent."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import msgspec
from scrapy.settings import Settings

from pailitao_spider.cli.words import tr
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.capability_checks import check_abilities
from pailitao_spider.config.credentials import KeyConfig, keys_of
from pailitao_spider.config.setting_table import Config
from pailitao_spider.config.settings_files import apply_files
from pailitao_spider.errors import BadSeedError, PailitaoError
from pailitao_spider.gateways.calls import Limits
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.pictures import known_format
from pailitao_spider.results.lines import NO_LINE
from pailitao_spider.results.records import LedgerLine
from pailitao_spider.seeds.image_bytes import load
from pailitao_spider.seeds.model import BadLine, Seed, UrlImage
from pailitao_spider.seeds.sources import open_source

__all__ = ["Estimate", "estimate", "run"]

_SHOWN = 10


@dataclass(slots=True)
class Estimate:
    """What a source holds and would cost. `pages` are asked of each picture at most, if limited."""

    seeds: int = 0
    doubles: int = 0
    done: int = 0
    """Seeds that the ledger calls done: they would be skipped."""
    uploads: int = 0
    refused: int = 0
    """Seeds whose picture none of the gateways takes."""
    bad: list[str] = field(default_factory=list)
    bad_number: int = 0
    pages: int | None = None

    @property
    def searched(self) -> int:
        return self.seeds - self.doubles - self.done - self.refused - self.bad_number

    @property
    def calls_at_least(self) -> int:
        return self.uploads + self.searched

    @property
    def calls_at_most(self) -> int | None:
        return None if self.pages is None else self.uploads + self.searched * self.pages


def run(given: Mapping[str, str], typed: Sequence[str], going_on: Sequence[Path] = ()) -> int:
    """Exits with 0, 1 when some seeds cannot be searched, 2 for a mistake.

    `going_on` are feeds that are not begun anew.
    """
    try:
        config, keys = _settings(typed)
        asked = Arguments.read(given)
        check_abilities(keys, asked, given)
        found = estimate(asked, keys, _done(going_on))
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    sys.stdout.write("".join(f"{line}\n" for line in _told(found, keys, config)))
    return 1 if found.bad_number or found.refused else 0


def _settings(typed: Sequence[str]) -> tuple[Config, tuple[KeyConfig, ...]]:
    settings = Settings()
    settings.setmodule("pailitao_spider.settings", priority="project")
    settings.setdict(dict(each.partition("=")[::2] for each in typed), priority="cmdline")
    for line in apply_files(settings):
        sys.stderr.write(f"{line}\n")
    config = Config.read(settings, needs_key=False)
    # What it would cost can be asked before there is a key.
    return config, keys_of(replace(config, sandbox=config.sandbox or "1"))


def _done(feeds: Iterable[Path]) -> frozenset[str]:
    """Seeds that would be skipped: ledgers beside the feeds call them done or empty."""
    decode = msgspec.json.Decoder(LedgerLine).decode
    ends: dict[str, str] = {}
    for path in (each.with_suffix(".seeds.jsonl") for each in feeds):
        for raw in path.read_bytes().splitlines() if path.is_file() else ():
            with suppress(*NO_LINE):
                line = decode(raw)
                ends[line.seed_id] = line.status
    return frozenset(each for each, status in ends.items() if status in ("done", "empty"))


def estimate(
    asked: Arguments, keys: Iterable[KeyConfig], done: Container[str] = frozenset()
) -> Estimate:
    """Reads the whole source. Raises SourceError."""
    limits = [dialect(key.gateway).limits for key in keys]
    found = Estimate(pages=_pages(asked, limits))
    known: set[bytes] = set()
    for each in open_source(asked.seeds or "", sheet=asked.sheet):
        found.seeds += 1
        if each.seed_id in done:
            found.done += 1
            continue
        try:
            _count(each, found, known, limits)
        except BadSeedError as error:
            _bad(found, f"{each.image.label}: {error}" if isinstance(each, Seed) else str(error))
    return found


def _count(
    each: Seed | BadLine, found: Estimate, known: set[bytes], limits: Sequence[Limits]
) -> None:
    if isinstance(each, BadLine):
        _bad(found, each.text)
        return
    url = each.image.url if isinstance(each.image, UrlImage) else None
    name = _checked(each) if url is None else hashlib.sha256(url.encode()).digest()
    if name in known:
        found.doubles += 1
        return
    known.add(name)
    if url is not None and any(each.takes_url(url) for each in limits):
        return
    if any(each.inline for each in limits):  # they go into the search itself
        return
    if any(each.picture is not None for each in limits):
        found.uploads += 1
    else:
        found.refused += 1


def _checked(seed: Seed) -> bytes:
    raw = load(seed.image)  # type: ignore[arg-type]
    if known_format(raw[:64]) is None:
        raise BadSeedError("not_a_picture", "the bytes are no picture")
    return hashlib.sha256(raw).digest()


def _bad(found: Estimate, text: str) -> None:
    found.bad_number += 1
    if len(found.bad) < _SHOWN:
        found.bad.append(text)


def _pages(asked: Arguments, limits: Iterable[Limits]) -> int | None:
    """The most pages of a picture, by the gateway with the smallest pages."""
    size = min(min(asked.page_size or each.page_size, each.page_size) for each in limits)
    by_offers = None if asked.max_offers is None else ceil(asked.max_offers / size)
    return min((each for each in (asked.max_pages, by_offers) if each is not None), default=None)


def _told(found: Estimate, keys: Sequence[KeyConfig], config: Config) -> Iterator[str]:
    yield tr("seeds:     {seeds}, of them {doubles} doubles, {bad} that cannot be read",
             seeds=found.seeds, doubles=found.doubles, bad=found.bad_number)  # fmt: skip
    if found.done:
        yield tr("done:      {done} were searched before and are skipped", done=found.done)
    for line in found.bad:
        yield f"           {line}"
    if (more := found.bad_number - len(found.bad)) > 0:
        yield tr("           and {more} more", more=more)
    if found.refused:
        names = ", ".join(sorted({key.gateway.partition("?")[0] for key in keys}))
        yield tr("refused:   {count} pictures that {names} does not take",
                 count=found.refused, names=names)  # fmt: skip
    yield tr("searched:  {count} pictures, {uploads} of them uploaded",
             count=found.searched, uploads=found.uploads)  # fmt: skip
    yield _calls(found)
    yield _yuan(found, keys)
    yield _days(found, keys)
    if config.sandbox is not None:
        yield tr("The sandbox is on: its calls cost nothing.")
    yield tr("Nothing was sent.")


def _calls(found: Estimate) -> str:
    least, most = found.calls_at_least, found.calls_at_most
    if most is None:
        return tr("calls:     at least {least}; further pages as the gateway has them, "
                  "--max-pages limits them", least=least)  # fmt: skip
    return tr("calls:     {least} at least, {most} at most", least=least, most=most)


def _span(least: Any, most: Any | None) -> str:
    if most is None:
        return tr("at least {least}", least=least)
    return str(least) if least == most else f"{least} – {most}"


def _yuan(found: Estimate, keys: Iterable[KeyConfig]) -> str:
    """By the cheapest key at least, by the dearest at most."""
    prices = [key.price for key in keys]
    if any(price is None for price in prices):
        return tr("yuan:      unknown: set price of each key")
    known = [price for price in prices if price is not None]
    most = found.calls_at_most
    least = _short(min(known) * found.calls_at_least)
    return tr("yuan:      {span}, if every call is billed",
              span=_span(least, None if most is None else _short(max(known) * most)))  # fmt: skip


def _short(yuan: Decimal) -> str:
    return f"{yuan.quantize(Decimal('0.01')):f}"


def _days(found: Estimate, keys: Iterable[KeyConfig]) -> str:
    quotas = [key.daily_calls for key in keys]
    if any(quota is None for quota in quotas):
        return tr("days:      unknown: set daily_calls of each key")
    a_day = sum(quota for quota in quotas if quota is not None)
    most = found.calls_at_most
    days = _span(ceil(found.calls_at_least / a_day), None if most is None else ceil(most / a_day))
    return tr("days:      {days}, at {a_day} calls a day", days=days, a_day=a_day)
