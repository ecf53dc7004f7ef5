"""The feeds of a crawl that are plain local files: results lie beside them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from w3lib.url import file_uri_to_path

from pailitao_spider import typed_text
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.tables.formats import WHOLE_AT_END, check_library

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["FeedTarget", "check_apart", "check_libraries", "csv_has_bom", "local_feeds"]

_BOM = "PAILITAO_CSV_BOM"


@dataclass(frozen=True, slots=True)
class FeedTarget:
    """One local feed file."""

    path: Path
    format: str
    overwrite: bool
    is_filtered: bool = False

    @property
    def is_empty(self) -> bool:
        """The file holds nothing, or is not there."""
        return not self.path.exists() or self.path.stat().st_size == 0

    def check_writable(self) -> None:
        """Makes the folder and opens the file for appending. Raises ResultsError, and ConfigError
        when the format's library is not there.
        """
        check_library(self.format)
        if self.format in WHOLE_AT_END and not self.overwrite:
            raise ResultsError(
                f"{self.path}: .{self.format} is written as a whole and cannot be gone on with; "
                "start over with -O, or crawl with -o offers.jsonl and then run: "
                f"scrapy pailitao convert offers.jsonl -O {self.path}"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("ab").close()
        except OSError as error:
            raise ResultsError(
                f"{self.path} cannot be written ({error.strerror or error}); "
                "give another place with -O or -o"
            ) from error


def check_apart(feeds: list[FeedTarget], source: str | None) -> None:
    """No result may be written over the seeds. Raises ResultsError."""
    if not feeds or source in (None, "-") or not Path(source).is_file():
        return
    written = [feed.path for feed in feeds] + list(ResultPaths.beside(feeds[0].path).all())
    for path in written:
        if path.exists() and path.samefile(source):
            raise ResultsError(
                f"{path} is the list of seeds and would be written over; "
                "give another name with -O or -o"
            )


def check_libraries(settings: BaseSettings) -> None:
    """Raises ConfigError when the library of a feed's format is not there, wherever it goes."""
    for options in settings.getdict("FEEDS").values():
        check_library(options.get("format", ""))


def csv_has_bom(
    settings: BaseSettings | Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> bool:
    """PAILITAO_CSV_BOM is on. Raises ConfigError."""
    value = settings.get(_BOM)
    text = str((environ.get(_BOM) if value is None else value) or "").strip()
    try:
        return typed_text.switch(text)
    except ValueError as error:
        raise ConfigError(f"{_BOM}: {text!r} is not {error}") from error


def local_feeds(settings: BaseSettings) -> list[FeedTarget]:
    """In the order of FEEDS. A name with placeholders, such as `%(time)s`, is made anew by each
    run: it is not among them.
    """
    found = []
    for uri, options in settings.getdict("FEEDS").items():
        text = str(uri)
        if urlparse(text).scheme not in ("", "file") or "%(" in text:
            continue
        path = Path(file_uri_to_path(text) if text.startswith("file:") else text)
        filters = (options.get("item_filter"), options.get("item_classes"))
        overwrite, is_filtered = bool(options.get("overwrite")), any(filters)
        found.append(FeedTarget(path, options.get("format", ""), overwrite, is_filtered))
    return found
