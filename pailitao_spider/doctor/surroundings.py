"""What can be seen without asking a gateway: settings, their names, seeds, folders."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pailitao_spider.config.credentials import KeyConfig, keys_of
from pailitao_spider.config.setting_table import KNOWN_NAMES, Config
from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.doctor.findings import Finding, note, right, wrong
from pailitao_spider.errors import BadSeedError, SourceError
from pailitao_spider.gateways.calls import PictureRef, SearchCall
from pailitao_spider.gateways.capabilities import why_not_taken
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.gateways.washing import without_named
from pailitao_spider.keys.accounts import Account
from pailitao_spider.keys.token_file import default_folder
from pailitao_spider.pictures import known_format
from pailitao_spider.seeds.image_bytes import read_file
from pailitao_spider.seeds.model import BadLine, FileImage, Image, Seed, UrlImage
from pailitao_spider.seeds.sources import open_source

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["folder_findings", "is_writable", "key_finding", "misspelt", "seed_findings"]

_PREFIX = "PAILITAO"
_KNOWN = KNOWN_NAMES
_MOST_SEEDS = 1000
_LIKE, _MUCH_LIKE = 0.6, 0.9


def misspelt(settings: BaseSettings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Names that nobody reads, and look as if they should be."""
    for place, names in (("setting", settings), ("environment variable", environ)):
        for name in sorted(map(str, names)):
            if name not in _KNOWN and (like := _meant(name)) is not None:
                remedy = f"write {like}" if like else "see docs/reference.md for those that are"
                yield note("settings", f"{place} {name} is read by nobody", remedy)


def _meant(name: str) -> str | None:
    """The name that was meant, "" for one of ours that is like none, None for foreign ones."""
    upper = name.upper()
    if not upper.startswith(_PREFIX):
        return next(iter(difflib.get_close_matches(upper, _KNOWN, 1, _MUCH_LIKE)), None)
    rests = {each.removeprefix(f"{_PREFIX}_"): each for each in _KNOWN}
    rest = upper.removeprefix(_PREFIX).strip("_")
    found = difflib.get_close_matches(rest, rests, 1, _LIKE)
    return rests[found[0]] if found else ""


def key_finding(account: Account) -> Finding:
    config = account.config
    rate = "rate to be found" if config.rate is None else f"{config.rate:g} calls/s"
    text = f"key {config.name}: {without_named(config.gateway)} at {shown_url(account.url)}, {rate}"
    return right("settings", text)


def folder_findings(config: Config) -> Iterator[Finding]:
    """Results are written where one stands, tokens and the day's calls below the home."""
    folders = [(Path(), "results cannot be written here", "stand in a folder of your own")]
    if config.sandbox is None:
        remedy = "make it writable, or set XDG_STATE_HOME"
        folders.append((default_folder(), "new tokens and the day's calls cannot be kept", remedy))
    for folder, text, remedy in folders:
        if not is_writable(folder.absolute()):
            yield wrong("settings", f"{text}: {folder.absolute()} is not writable", remedy)


def is_writable(folder: Path) -> bool:
    """Of an absolute path: it, or the nearest folder above it that is there."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def seed_findings(source: str, config: Config) -> list[Finding]:
    """How many seeds, the first that cannot be read, and whether any key's gateway takes them."""
    seen = _Seen(keys_of(config))
    try:
        for seed in islice(open_source(source), _MOST_SEEDS):
            seen.add(seed)
    except SourceError as error:
        return [wrong("seeds", str(error), "give -a seeds= another")]
    return list(seen.findings(source))


class _Seen:
    def __init__(self, keys: Iterable[KeyConfig]) -> None:
        self._spoken = [dialect(key.gateway) for key in keys]
        self._number = self._bad = 0
        self._first_bad = ""
        self._not_taken: dict[str, int] = {}

    def add(self, seed: Seed | BadLine) -> None:
        self._number += 1
        try:
            why = seed.text if isinstance(seed, BadLine) else _unreadable(seed.image)
        except BadSeedError as error:
            why = f"{error}"
        if why:
            self._bad += 1
            self._first_bad = self._first_bad or why
        elif isinstance(seed, Seed) and (refused := self._refused(seed.image)):
            self._not_taken[refused] = self._not_taken.get(refused, 0) + 1

    def findings(self, source: str) -> Iterator[Finding]:
        more = " or more" if self._number == _MOST_SEEDS else ""
        number = f"{source}: {self._number}{more} seeds"
        if self._bad:
            text = f"{number}, {self._bad} cannot be read; the first: {self._first_bad}"
            yield wrong("seeds", text, "they would end as failed: mend or remove them")
        for why, count in self._not_taken.items():
            yield wrong("seeds", f"{number}, {count} cannot be searched", why)
        if not self._bad and not self._not_taken:
            yield right("seeds", number)

    def _refused(self, image: Image) -> str:
        """Why no key's gateway takes the picture; empty when one does."""
        url = image.url if isinstance(image, UrlImage) else None
        for spoken in self._spoken:
            if spoken.limits.picture or (url and spoken.limits.takes_url(url)):
                return ""
        names = ", ".join(sorted({spoken.name for spoken in self._spoken}))
        picture = PictureRef(url=url) if url else PictureRef(sha256="0")
        return why_not_taken(SearchCall(picture=picture), names)


def _unreadable(image: Image) -> str:
    """Why a local picture is none. Raises BadSeedError for one that cannot be opened."""
    if not isinstance(image, FileImage):
        return ""
    try:
        is_picture = known_format(read_file(image.path)[:64]) is not None
    except BadSeedError as error:
        return f"{image.label}: {error}"
    return "" if is_picture else f"{image.label}: no picture"
