"""What a seed is: one picture to search for, and who asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["BadLine", "Base64Image", "FileImage", "Image", "Seed", "StoredImage", "UrlImage"]


@dataclass(frozen=True, slots=True)
class UrlImage:
    """A picture on the web; the gateway fetches it, we do not."""

    url: str

    @property
    def label(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class FileImage:
    """A picture on this machine."""

    path: Path

    @property
    def label(self) -> str:
        """The path as text that can be written: bytes of it that are no UTF-8 as escapes."""
        return str(self.path).encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Base64Image:
    """A picture given in the seed itself, Base64 without its `data:` prefix."""

    text: str = field(repr=False)
    label: str
    """A short name that stands for it in ledger and offers: `base64:<first 16 hex of SHA-256>`."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture whose bytes somebody else has put where all workers find them."""

    sha256: str
    label: str


Image = UrlImage | FileImage | Base64Image | StoredImage


@dataclass(frozen=True, slots=True)
class Seed:
    """One picture to search for. `extra` holds the other columns of its line."""

    seed_id: str
    image: Image
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of the source that is no seed: it ends in the ledger as failed."""

    seed_id: str
    image: str
    code: str
    text: str
    """What is wrong and where, one line: `seeds.csv:17: no such file: photos/x.jpg`."""
    extra: dict[str, Any] = field(default_factory=dict)
    """The other columns of its line, so that it can be mended and fed back."""
