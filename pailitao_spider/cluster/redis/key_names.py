"""The names of all keys in Redis.

All keys of a run share one hash tag, and so do all keys of an app key: each script stays on one
node of a Redis Cluster. What each key holds stands at the head of the script that writes it.
"""

from __future__ import annotations

import hashlib

__all__ = ["AppKeys", "RunKeys"]


class RunKeys:
    """The keys of one run: `{pailitao:<run>}:<name>`."""

    def __init__(self, run: str) -> None:
        self.prefix = f"{{pailitao:{run}}}:"

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.prefix + name

    def picture(self, sha256: str) -> str:
        """The bytes of a picture that was pushed from somebody's disk."""
        return f"{self.prefix}pic:{sha256}"


class AppKeys:
    """The keys of an app key at one gateway, shared by all runs: `{pailitao-app:<hash>}:<name>`."""

    def __init__(self, url: str, app_key: str) -> None:
        owner = hashlib.sha256(f"{url} {app_key}".encode()).hexdigest()[:16]
        self.prefix = f"{{pailitao-app:{owner}}}:"

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.prefix + name
