"""The table formats beyond CSV: what they need, and what they cannot do."""

from __future__ import annotations

from importlib import import_module

from pailitao_spider.errors import ConfigError

__all__ = ["WHOLE_AT_END", "check_library"]

_PACKAGES = {"xlsx": "XlsxWriter", "parquet": "pyarrow"}
_LIBRARIES = {"xlsx": "xlsxwriter", "parquet": "pyarrow.parquet"}

WHOLE_AT_END = frozenset(_LIBRARIES)
"""Formats whose files are nothing before they are finished, and then take nothing more."""


def check_library(table_format: str) -> None:
    """Raises ConfigError when the library that writes the format is not there."""
    library = _LIBRARIES.get(table_format)
    if library is None:
        return
    try:
        import_module(library)
    except ImportError:
        raise ConfigError(
            f".{table_format} needs one more package: pip install {_PACKAGES[table_format]}"
        ) from None
