"""The feeds of a crawl that are plain local files: results lie beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from w3lib.url import file_uri_to_path

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.paths import ResultPaths

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

__all__ = ["FeedTarget", "check_apart", "local_feeds"]


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
        """Makes the folder and opens the file for appending. Raises ResultsError."""
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
