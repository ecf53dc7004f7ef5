"""The names of seeds: unique in a run, and the same each time a source is read."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

from pailitao_spider.offers.values import cleaned
from pailitao_spider.seeds.model import Base64Image, FileImage, Image, StoredImage, UrlImage
from pailitao_spider.storage.scratch import scratch_database

__all__ = ["TakenIds", "default_id", "file_name", "id_apart"]

_SCHEMA = "CREATE TABLE taken (id TEXT PRIMARY KEY, copies INTEGER NOT NULL) WITHOUT ROWID"
_CACHE_KIB = 8000
_MAX_CHARACTERS = 200
_SUFFIX_ROOM = 24
_LONGEST_PATH = 4096
_ENDING = re.compile(r"[^.]\.\w{2,5}$")
_LAST_PART = re.compile(r"[^:]+://[^/?#]*/(?:[^?#]*/)?([^/?#]*)")


def file_name(text: str) -> str:
    """The last part of a path as it was typed; empty for what is none."""
    last = re.split(r"[\\/]", text.strip().strip("\"'"))[-1]
    return cleaned(last) if len(text) < _LONGEST_PATH and _ENDING.search(last) else ""


def default_id(image: Image) -> str:
    """The picture's file name, else a short hash."""
    return cleaned(_file_name(image)) or _hash(image.label, 12)


def _file_name(image: Image) -> str:
    match image:
        case FileImage(path):
            return path.name
        case UrlImage(url):
            found = _LAST_PART.match(url)
            return unquote(found[1]) if found else ""
        case Base64Image() | StoredImage():
            return ""


def _hash(label: str, digits: int) -> str:
    return hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def id_apart(seed_id: str, label: str) -> str:
    """The id of a seed whose own is another picture's: the same, and a hash of its label."""
    return f"{seed_id[: _MAX_CHARACTERS - _SUFFIX_ROOM]}-{_hash(label, 8)}"


class TakenIds:
    """The ids that are taken, on disk: a million of them cost no memory.

    For one thread at a time, but not always the same one.
    """

    def __init__(self) -> None:
        self._ids = scratch_database(_SCHEMA, cache_kib=_CACHE_KIB, of_any_thread=True)
        self._ids.execute("BEGIN")

    def close(self) -> None:
        self._ids.close()

    def take(self, wanted: str, label: str) -> str:
        """`wanted`, or the same with a suffix from the image's label if it is taken."""
        plain = cleaned(wanted)[:_MAX_CHARACTERS]
        if self._is_new(plain):
            return plain
        hashed = id_apart(plain, label)
        if self._is_new(hashed):
            return hashed
        return self._numbered(hashed)

    def _numbered(self, taken: str) -> str:
        # The count goes on from the last one: many copies of one picture stay linear.
        row = self._ids.execute("SELECT copies FROM taken WHERE id = ?", (taken,)).fetchone()
        number = row[0] + 1
        while not self._is_new(f"{taken}-{number}"):
            number += 1
        self._ids.execute("UPDATE taken SET copies = ? WHERE id = ?", (number, taken))
        return f"{taken}-{number}"

    def _is_new(self, wanted: str) -> bool:
        return (
            self._ids.execute("INSERT OR IGNORE INTO taken VALUES (?, 1)", (wanted,)).rowcount > 0
        )
