"""The keys of a run, as they were read once from their file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pailitao_spider.config.credentials import KeyConfig
    from pailitao_spider.config.setting_table import Config

__all__ = ["KeysFile"]


class KeysFile(str):
    """The name of a file with keys that was read, and the keys.

    It stands in the settings for the name: from a pipe, nothing comes a second time.
    """

    keys: tuple[KeyConfig, ...]

    @classmethod
    def of(cls, config: Config) -> KeysFile | None:
        """None where the keys are not in a file."""
        if config.credentials is None:
            return None
        made = cls(config.credentials)
        made.keys = config.keys
        return made
