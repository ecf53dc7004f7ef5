"""Whether every feed of the settings can be written: found out before anything is sent.

Scrapy's feed exporter switches itself off for all feeds when it refuses one of them, with one line
in the log: a crawl would go on, and what it pays for would be nowhere.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy.exceptions import NotConfigured
from scrapy.extensions.feedexport import FeedExporter
from scrapy.utils.conf import feed_complete_default_values_from_settings
from scrapy.utils.misc import build_from_crawler, load_object

from pailitao_spider.config.feeds import check_files, feed_settings
from pailitao_spider.errors import ConfigError
from pailitao_spider.offers.model import Offer
from pailitao_spider.tables.registry import WHOLE_AT_END, check_library

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

__all__ = ["FORMATS", "check_has_output", "check_outputs"]

FORMATS = {
    "json": "pailitao_spider.exporters.JsonExporter",
    "jsonlines": "pailitao_spider.exporters.JsonLinesExporter",
    "jsonl": "pailitao_spider.exporters.JsonLinesExporter",
    "jl": "pailitao_spider.exporters.JsonLinesExporter",
    "csv": "pailitao_spider.exporters.CsvExporter",
    "xlsx": "pailitao_spider.exporters.XlsxExporter",
    "parquet": "pailitao_spider.exporters.ParquetExporter",
}
"""The exporters of this project by format."""

_UNSAFE = ("marshal", "pickle")  # read back, they are no table and may run what is in them
_GOOD = "give .jsonl, .csv, .json, .xml, .xlsx or .parquet"
_TEXT = "玻璃马克杯 ㎡ é 😀"
_SAMPLE = Offer("1", title=_TEXT, price=Decimal("29.90"), is_ad=False, extra={"名": ["值"]})
_APART = re.compile(r"%\(batch_time\)s|%\(batch_id\)")
_OURS = "pailitao_spider."


def check_outputs(settings: BaseSettings, crawler: Crawler, *, holds_offers: bool = True) -> None:
    """Raises ConfigError for the first feed that would not be written.

    `holds_offers`: items leave as this project makes them, so a format must be able to hold one.
    """
    feeds = feed_settings(settings)
    if not feeds:
        return
    _check_exporter(settings)
    storages = _components(settings, "FEED_STORAGES")
    exporters = {**FORMATS, **_components(settings, "FEED_EXPORTERS")}
    for uri, options in feeds.items():
        whole = feed_complete_default_values_from_settings({**options}, settings, uri)
        _check_format(uri, whole, exporters)
        _check_storage(uri, whole, storages, crawler)
        _check_batches(uri, whole)
        if holds_offers:
            _check_export(uri, whole, exporters[whole["format"]], crawler)
    check_files(settings)


def check_has_output(settings: BaseSettings) -> None:
    """Raises ConfigError where nothing would keep the offers: no feed, no pipeline but ours."""
    pipelines = settings.getdict("ITEM_PIPELINES")
    theirs = [path for path, order in pipelines.items() if order is not None and not _is_ours(path)]
    if not feed_settings(settings) and not theirs:
        raise ConfigError(
            "no output: what is paid for would be kept nowhere; give -O offers.jsonl to start "
            "over, or -o offers.jsonl to go on"
        )


def _is_ours(component: Any) -> bool:
    name = component if isinstance(component, str) else component.__module__
    return bool(name.startswith(_OURS))


def _check_exporter(settings: BaseSettings) -> None:
    for path, order in settings.getwithbase("EXTENSIONS").items():
        if order is not None and _is_exporter(path):
            return
    raise ConfigError(
        "EXTENSIONS switches the feed exporter off, so no feed would be written; leave "
        "scrapy.extensions.feedexport.FeedExporter as it is"
    )


def _is_exporter(component: Any) -> bool:
    try:
        found = load_object(component)
    except (ImportError, NameError, ValueError):
        return False  # Scrapy tells of it
    return isinstance(found, type) and issubclass(found, FeedExporter)


def _components(settings: BaseSettings, name: str) -> dict[str, Any]:
    found = {}
    for key, path in settings.getwithbase(name).items():
        if path is None:
            continue
        try:
            found[key] = load_object(path)
        except NotConfigured:
            continue
        except (ImportError, NameError, ValueError, TypeError) as error:
            raise ConfigError(f"{name}: {path!r} cannot be loaded ({error})") from error
    return found


def _check_storage(
    uri: str, options: dict[str, Any], storages: Mapping[str, Any], crawler: Crawler
) -> None:
    scheme = urlsplit(uri).scheme
    if scheme in storages:
        _make_storage(uri, options, storages[scheme], crawler)
    elif not PureWindowsPath(uri).drive:
        known = ", ".join(sorted(filter(None, storages)))
        raise ConfigError(
            f"{_shown(uri)}: there is no feed storage {scheme}:// (known are {known}); "
            "give a file such as -O offers.jsonl"
        )


def _make_storage(uri: str, options: dict[str, Any], storage: Any, crawler: Crawler) -> None:
    if storage.__module__ == FeedExporter.__module__ and urlsplit(uri).scheme in ("", "file"):
        return
    try:
        build_from_crawler(storage, crawler, uri, feed_options=options)
    except Exception as error:  # whatever it is, Scrapy would end with it or write nothing
        raise ConfigError(
            f"{_shown(uri)} cannot be written ({error or type(error).__name__}); install what it "
            "needs, or give a file such as -O offers.jsonl"
        ) from error


def _check_batches(uri: str, options: Mapping[str, Any]) -> None:
    if options["batch_item_count"] and not _APART.search(uri):
        raise ConfigError(
            f"{_shown(uri)}: FEED_EXPORT_BATCH_ITEM_COUNT={options['batch_item_count']} makes many "
            "files of it, so its name needs %(batch_id)d; unset it for one file"
        )


def _check_format(uri: str, options: Mapping[str, Any], exporters: Mapping[str, Any]) -> None:
    name = options.get("format")
    if not name:
        raise ConfigError(f"{_shown(uri)}: its feed has no format; {_GOOD}")
    if name not in exporters:
        known = ", ".join(sorted(set(exporters) - set(_UNSAFE)))
        raise ConfigError(f"{_shown(uri)}: there is no feed format {name!r}; known are {known}")
    if name in _UNSAFE:
        raise ConfigError(f"{_shown(uri)}: .{name} cannot hold an offer; {_GOOD}")
    check_library(name)


def _check_export(uri: str, options: Mapping[str, Any], exporter: Any, crawler: Crawler) -> None:
    """Writes one offer to memory, with all that is odd in those that come."""
    if options["format"] in WHOLE_AT_END:
        return
    _check_encoding(uri, options)
    try:
        made = build_from_crawler(
            load_object(exporter), crawler, BytesIO(), fields_to_export=options["fields"],
            encoding=options["encoding"], indent=options["indent"],
            **options["item_export_kwargs"],
        )  # fmt: skip
        made.start_exporting()
        made.export_item(_SAMPLE)
        made.finish_exporting()
    except UnicodeEncodeError as error:
        raise _wrong_encoding(uri, options["encoding"]) from error
    except Exception as error:
        raise ConfigError(
            f"{_shown(uri)}: .{options['format']} cannot hold an offer "
            f"({type(error).__name__}: {error}); {_GOOD}"
        ) from error


def _check_encoding(uri: str, options: Mapping[str, Any]) -> None:
    """Titles hold whatever sellers write. An exporter's own `errors` may say what becomes of it."""
    encoding = options["encoding"] or "utf-8"
    try:
        codecs.lookup(encoding)
        if "errors" not in options["item_export_kwargs"]:
            _TEXT.encode(encoding)
    except LookupError as error:
        raise ConfigError(
            f"FEED_EXPORT_ENCODING={encoding}: there is no such encoding; unset it for UTF-8"
        ) from error
    except UnicodeEncodeError as error:
        raise _wrong_encoding(uri, encoding) from error


def _wrong_encoding(uri: str, encoding: str) -> ConfigError:
    return ConfigError(
        f"{_shown(uri)}: {encoding} cannot hold every title of an offer; unset "
        "FEED_EXPORT_ENCODING for UTF-8, or give a .csv gb18030"
    )


def _shown(uri: str) -> str:
    """Without a user's name and password."""
    if "@" not in uri or "://" not in uri:
        return uri
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
