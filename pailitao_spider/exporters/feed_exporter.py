"""Scrapy's feed export, with counted and durable writing.

A feed that cannot be written stops the run: the ledger must not claim what is not on disk.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from scrapy.extensions.feedexport import FeedExporter, FeedSlot, FileFeedStorage, ItemFilter
from scrapy.extensions.postprocessing import PostProcessingManager
from scrapy.utils.asyncio import run_in_thread

from pailitao_spider.config.feeds import FeedTarget, local_feeds
from pailitao_spider.crawl.session import session_of
from pailitao_spider.errors import PailitaoError
from pailitao_spider.exporters.item_exporters import JsonLinesExporter
from pailitao_spider.offers.model import Offer
from pailitao_spider.results.watched_files import WatchedFile
from pailitao_spider.tables.registry import WHOLE_AT_END

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

    from pailitao_spider.crawl.session import Session

__all__ = ["DurableFeedExporter"]

logger = logging.getLogger(__name__)

_JSON = ("json", "jsonlines", "jsonl", "jl")


class DurableFeedExporter(FeedExporter):
    """Stands in for Scrapy's FeedExporter; feeds, formats and options are the same."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._session = session_of(crawler)
        self._session.flush_feeds = self.flush
        self._failure: Exception | None = None
        self._scraped = self._exported = 0
        formats = {feed.format for feed in local_feeds(crawler.settings)}
        self._has_batches = any(feed["batch_item_count"] for feed in self.feeds.values())
        self._is_whole_at_end = bool(formats) and formats <= WHOLE_AT_END

    def open_spider(self, spider: Spider) -> None:
        if self._session.failed_to_open is not None and self._session.keeps_ledger:
            return  # why has been told; an earlier feed stays as it is
        try:
            super().open_spider(spider)
        except OSError as error:
            self._failed(error)
        for slot in self.slots:
            _go_on_without_second_header(slot)
            _watch(slot)
            _tell_encoding(slot)
            if (path := getattr(slot.storage, "path", None)) is not None:
                slot.filter = _NotYetWritten(slot.filter, self._session, str(path))

    def item_scraped(self, item: Any, spider: Spider) -> None:
        self._scraped += 1
        try:
            if self._has_batches:
                super().item_scraped(item, spider)
            else:
                self._export(item)
            self._exported += len(self.slots) == len(self.feeds)
        except Exception as error:
            self._failed(error)
            if not isinstance(error, OSError | PailitaoError):
                raise

    def _export(self, item: Any) -> None:
        """As Scrapy does it where no feed is cut into batches."""
        for slot in self.slots:
            if slot.filter.accepts(item):
                slot.start_exporting()
                slot.exporter.export_item(item)  # type: ignore[union-attr]
                slot.itemcount += 1

    def flush(self) -> list[int]:
        """Hands everything written to the system; returns the descriptors to fsync.

        Raises OSError when any item could not be written. That no error was seen is no proof: as
        many items must have been exported as were scraped.
        """
        if self._failure is not None:
            raise OSError(str(self._failure)) from self._failure
        if self._exported != self._scraped:
            missing = self._scraped - self._exported
            raise OSError(f"{missing} offers have not reached the feed")
        if self._is_whole_at_end:
            self._session.books.hold()
        try:
            return [descriptor for slot in self.slots for descriptor in _flushed(slot)]
        except OSError as error:
            self._failure = error
            raise

    async def close_spider(self, spider: Spider) -> None:
        if self._session.failed_to_open and self._session.keeps_ledger:
            self.slots = []  # nothing was begun, so an earlier feed stays as it is
        await self._session.last_commit()
        self._write_gathered_lines()
        for slot in self.slots:
            if slot.format in WHOLE_AT_END and slot.itemcount and self._failure is None:
                await self._finish(slot)
        if self._failure is not None:
            self._give_up_files()
        await super().close_spider(spider)
        if self._session.is_open:
            await self._release_ledger()

    def _write_gathered_lines(self) -> None:
        """So that Scrapy's closing of a feed has nothing left to write that can fail."""
        try:
            for slot in self.slots:
                if isinstance(slot.exporter, JsonLinesExporter):
                    slot.exporter.flush()
                if slot.file is not None and not slot.file.closed:
                    slot.file.flush()
        except OSError as error:
            self._failed(error)

    async def _finish(self, slot: FeedSlot) -> None:
        """Writes a whole table, which may take minutes and fail at the last byte."""
        try:
            await run_in_thread(slot.finish_exporting)
        except Exception as error:
            self._failed(error)
            storage = type(slot.storage).__name__
            self.crawler.stats.inc_value(f"feedexport/failed_count/{storage}")

    async def _release_ledger(self) -> None:
        try:
            await run_in_thread(_sync_files, local_feeds(self.settings))
            self._session.check_held()
            self._session.books.release(is_whole=self._failure is None)
        except OSError as error:
            self._failed(error)

    def _give_up_files(self) -> None:
        """Closes what cannot be written; the reason has been told."""
        for slot in self.slots:
            with contextlib.suppress(OSError):
                if slot.file is not None:
                    slot.file.close()
        self.slots = []

    def _failed(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._session.stop("pailitao_disk", f"the feed cannot be written: {error}")


class _NotYetWritten(ItemFilter):
    """Keeps a feed from getting what an earlier run wrote into it, but not into all feeds."""

    def __init__(self, inner: ItemFilter, session: Session, path: str) -> None:
        super().__init__(None)
        self._inner = inner
        self._session = session
        self._path = path

    def accepts(self, item: Any) -> bool:
        if not self._inner.accepts(item):
            return False
        session = self._session
        if not isinstance(item, Offer) or not session.is_open or not session.written.has_gaps:
            return True
        return not session.written.is_in(self._path, item)


def _sync_files(feeds: list[FeedTarget]) -> None:
    for feed in feeds:
        if feed.format in WHOLE_AT_END and feed.path.is_file():
            with feed.path.open("rb") as file:
                os.fsync(file.fileno())


def _flushed(slot: FeedSlot) -> Iterator[int]:
    """A compressed feed is whole only at its end, a pipe has no disk: neither can be synced."""
    if slot.file is None or slot.file.closed or isinstance(slot.file, PostProcessingManager):
        return
    if isinstance(slot.exporter, JsonLinesExporter):
        slot.exporter.flush()
    slot.file.flush()
    if isinstance(raw := getattr(slot.file, "raw", None), WatchedFile):
        raw.check()
    if stat.S_ISREG(os.fstat(slot.file.fileno()).st_mode):
        yield slot.file.fileno()


def _tell_encoding(slot: FeedSlot) -> None:
    encoding = slot.feed_options.get("encoding") or "utf-8"
    if slot.format in _JSON and codecs.lookup(encoding).name != "utf-8":
        logger.warning("%s is written in UTF-8, as JSON is, not in %s", slot.uri, encoding)


def _watch(slot: FeedSlot) -> None:
    """A plain local file is opened so that it knows what becomes of its name."""
    storage = slot.storage
    if type(storage) is FileFeedStorage:
        scrapys = storage.open
        storage.open = lambda spider: _watched(scrapys(spider), storage)  # type: ignore[method-assign]


def _watched(file: IO[bytes], storage: FileFeedStorage) -> IO[bytes]:
    """The same file; Scrapy has made its folder, and emptied it for -O."""
    file.close()
    mode = "ab" if storage.write_mode == "ab" else "r+b"
    return BufferedWriter(WatchedFile(Path(storage.path), mode))


def _go_on_without_second_header(slot: FeedSlot) -> None:
    path = getattr(slot.storage, "path", None)
    if slot.format != "csv" or slot.feed_options.get("overwrite") or path is None:
        return
    if Path(path).exists() and Path(path).stat().st_size > 0:
        arguments = {**slot.feed_options["item_export_kwargs"], "include_headers_line": False}
        slot.feed_options = {**slot.feed_options, "item_export_kwargs": arguments}
