"""What decoders would print of damaged bytes, kept from the user's terminal and log."""

from __future__ import annotations

import ctypes
import logging
import warnings
from contextlib import suppress

from PIL import _imaging

__all__ = ["hush"]

_TIFF_LOGGER = "PIL.TiffImagePlugin"


def hush() -> None:
    """Pillow and its libtiff print no more; what makes a picture unusable they raise as well."""
    warnings.filterwarnings("ignore", module=r"PIL\.", append=True)
    logging.getLogger(_TIFF_LOGGER).addFilter(_is_below_warning)
    with suppress(AttributeError, OSError):  # a Pillow without libtiff, or with its names hidden
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _is_below_warning(record: logging.LogRecord) -> bool:
    return record.levelno < logging.WARNING
