"""The feeds of a crawl that are plain local files: results lie beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from w3lib.url import file_uri_to_path

from pailitao_spider.config import parsers
from pailitao_spider.errors import ConfigError, ResultsError
from pailitao_spider.results.paths import ResultPaths
from pailitao_spider.results.resume import RESUMABLE, WrittenOffer, written_offers
from pailitao_spider.tables.registry import WHOLE_AT_END, check_library

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = [
    "FeedTarget",
    "can_go_on",
    "check_apart",
    "check_files",
    "csv_has_bom",
    "feed_settings",
    "local_feeds",
]

_BOM = "PAILITAO_CSV_BOM"


@dataclass(frozen=True, slots=True)
class FeedTarget:
    """One local feed file."""

    path: Path
    format: str
    overwrite: bool
    is_filtered: bool = False
    encoding: str = "utf-8"

    @property
    def is_empty(self) -> bool:
        """The file holds nothing, or is not there."""
        return not self.path.exists() or self.path.stat().st_size == 0

    def written(self) -> Iterator[WrittenOffer]:
        """The offers that an earlier run wrote. Raises ResultsError."""
        return written_offers(self.path, self.format, self.encoding)

    def check_writable(self) -> None:
        """Makes the folder and opens the file for appending; one that was not there is gone again,
        so that a run which is ended before it begins leaves no empty feed. Raises ResultsError,
        and ConfigError when the format's library is not there.
        """
        self._check(_open_and_leave)

    def make(self) -> None:
        """The same for a run that begins: the file is there afterwards."""
        self._check(lambda path: path.open("ab").close())

    def _check(self, open_: Callable[[Path], None]) -> None:
        check_library(self.format)
        if self.format in WHOLE_AT_END and not self.overwrite:
            raise ResultsError(
                f"{self.path}: .{self.format} is written as a whole and cannot be gone on with; "
                "start over with -O, or crawl with -o offers.jsonl and then run: "
                f"scrapy pailitao convert offers.jsonl -O {self.path}"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            open_(self.path)
        except OSError as error:
            raise ResultsError(
                f"{self.path} cannot be written ({error.strerror or error}); "
                "give another place with -O or -o"
            ) from error


def _open_and_leave(path: Path) -> None:
    try:
        path.open("xb").close()
    except FileExistsError:
        path.open("ab").close()
    else:
        path.unlink()


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


def check_files(settings: BaseSettings) -> None:
    """Local feeds and what lies beside the first: each a file of its own. Raises ResultsError."""
    feeds = local_feeds(settings)
    if not feeds:
        return
    beside = ResultPaths.beside(feeds[0].path)
    for path in beside.all():
        if path.is_dir():
            what = "a feed" if path == feeds[0].path else "a file beside the feed"
            raise ResultsError(
                f"{path} is a folder, and {what} is to stand there; give another name with -O or -o"
            )
        if path.exists() and not os.access(path, os.W_OK):
            raise ResultsError(f"{path} is read-only; make it writable, or give another name")
    _check_different([*(feed.path for feed in feeds), *beside.all()[1:]])


def _check_different(paths: Iterable[Path]) -> None:
    """By whatever names: `./`, a link. Two writers tear each other's lines."""
    seen: dict[object, Path] = {}
    for path in paths:
        for sign in _signs(path):
            if sign in seen:
                names = f"{path} and {seen[sign]} are" if path != seen[sign] else f"twice {path}:"
                raise ResultsError(f"{names} one file; give each output a file of its own")
        seen.update(dict.fromkeys(_signs(path), path))


def _signs(path: Path) -> list[object]:
    """What two names of one file share: where they lead, and the file itself."""
    signs: list[object] = [path.resolve()]
    if path.is_file():
        named = path.stat()
        signs.append((named.st_dev, named.st_ino))
    return signs


def can_go_on(feeds: Iterable[FeedTarget]) -> bool:
    """A later run may add to all of them."""
    return all(feed.format in RESUMABLE for feed in feeds)


def csv_has_bom(
    settings: BaseSettings | Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    *,
    unset: bool = False,
) -> bool:
    """PAILITAO_CSV_BOM is on; `unset` where nobody has set it. Raises ConfigError."""
    value = settings.get(_BOM)
    text = str((environ.get(_BOM) if value is None else value) or "").strip()
    if not text:
        return unset
    try:
        return parsers.switch(text)
    except ValueError as error:
        raise ConfigError(f"{_BOM}: {text!r} is not {error}") from error


def feed_settings(settings: BaseSettings) -> dict[str, dict[str, Any]]:
    """All feeds by URI, as Scrapy reads them: FEEDS, and FEED_URI of old projects."""
    found: dict[str, dict[str, Any]] = {}
    if settings["FEED_URI"]:
        found[str(settings["FEED_URI"])] = {"format": settings["FEED_FORMAT"]}
    for uri, options in settings.getdict("FEEDS").items():
        found[str(uri)] = options
    return found


def local_feeds(settings: BaseSettings) -> list[FeedTarget]:
    """In the order of FEEDS. A name with placeholders, such as `%(time)s`, is made anew by each
    run: it is not among them.
    """
    found = []
    for uri, options in feed_settings(settings).items():
        if urlparse(uri).scheme not in ("", "file") or "%(" in uri:
            continue
        path = Path(file_uri_to_path(uri) if uri.startswith("file:") else uri)
        filters = (options.get("item_filter"), options.get("item_classes"))
        overwrite, is_filtered = bool(options.get("overwrite")), any(filters)
        encoding = options.get("encoding") or settings["FEED_EXPORT_ENCODING"] or "utf-8"
        kind = options.get("format", "")
        found.append(FeedTarget(path, kind, overwrite, is_filtered, encoding))
    return found
