"""Rotated tokens survive the run: a file that only the user can read.

A gateway may give a new refresh token with every refresh and forget the configured one. The file
is used as long as the configured tokens are the ones that it grew from; a newly configured token
wins.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pailitao_spider.keys.tokens import Token

__all__ = ["TokenFile", "default_folder"]


def default_folder() -> Path:
    """`$XDG_STATE_HOME/pailitao_spider`, by default below `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "pailitao_spider"


class _Kept(msgspec.Struct):
    grown_from: str
    access: str
    refresh: str | None
    renew_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class TokenFile:
    """The newest tokens of one app key, grown from the configured ones."""

    path: Path
    configured: Token

    @classmethod
    def of(cls, folder: Path, app_key: str, configured: Token) -> TokenFile:
        return cls(folder / f"tokens-{_hash(app_key)}.json", configured)

    def newest(self) -> Token:
        """The kept tokens, or the configured ones."""
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return self.configured
        if kept.grown_from != self._root():
            return self.configured
        return Token(kept.access, kept.refresh, 0, kept.renew_at, kept.ends_at)

    def keep(self, token: Token) -> None:
        """Replaces the file as a whole, readable by the user only. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        other = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        content = _Kept(
            self._root(), token.access or "", token.refresh, token.renew_at, token.ends_at
        )
        other.unlink(missing_ok=True)
        descriptor = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            os.fsync(file.fileno())
        other.replace(self.path)

    def _root(self) -> str:
        return _hash(f"{self.configured.access}\n{self.configured.refresh}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
