"""What the command line says, in the user's language: gettext's catalogue beside this file.

PAILITAO_LANG (`zh`, `en`), else the system's locale.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["CATALOGUE", "language", "tr"]

CATALOGUE = Path(__file__).parent / "locale"
_DOMAIN = "pailitao"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def language(environ: Mapping[str, str] = os.environ) -> str:
    """`zh_CN` or `en`."""
    chosen = environ.get("PAILITAO_LANG", "").strip()
    if not chosen:
        chosen = next((environ[name] for name in _LOCALE if environ.get(name)), "")
    return "zh_CN" if chosen.lower().startswith("zh") else "en"


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(_DOMAIN, CATALOGUE, [code], fallback=True)


def tr(text: str, **facts: Any) -> str:
    """The text in the user's language, its `{names}` filled in."""
    said = _catalogue(language()).gettext(text)
    return said.format(**facts) if facts else said
