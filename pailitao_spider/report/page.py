"""The page: one file of HTML whose policy lets nothing run or load but what is in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pailitao_spider.report.contents import Contents
from pailitao_spider.report.words import WORDS, word_of
from pailitao_spider.results.lines import ENCODER

__all__ = ["embedded_json", "page"]

_SCRIPTS = (
    "data", "words", "elements", "money", "offers", "filters", "facts", "cards", "table", "best",
    "seeds", "results", "shortlist", "beside", "address", "printing", "controls",
)  # fmt: skip
_VALUE = re.compile(r"\{(\w+)(?::([^|{}]*)\|([^|{}]*))?\}")
_DASH = Markup('<span class="unknown">—</span>')


def page(contents: Contents) -> str:
    """The whole file."""
    style, script = _own("report.css"), _script()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.from_string(_own("page.html.j2")).render(
        c=contents,
        t=_told,
        english=_english,
        why=_why,
        dash=_DASH,
        policy=_policy(style, script, contents.album.linked_hosts),
        style=Markup(style),  # noqa: S704  our own files
        script=Markup(script),  # noqa: S704
        data=embedded_json({"words": WORDS, **contents.data()}),
    )


def embedded_json(value: object) -> Markup:
    """JSON that cannot end the element that it stands in, nor begin a comment there."""
    text = ENCODER.encode(value).decode()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  no sign of HTML is left


def _script() -> str:
    parts = "\n".join(_own(f"script/{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _own(name: str) -> str:
    text = files("pailitao_spider.report").joinpath(name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def _policy(style: str, script: str, hosts: Iterable[str]) -> str:
    """Pictures come out of the page, or from the hosts that it links and no other."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_sha256(script)}'",
            f"style-src '{_sha256(style)}'",
            " ".join(("img-src data:", *(f"https://{host}" for host in sorted(hosts)))),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _filled(text: str, values: Mapping[str, object], shown: Mapping[str, object]) -> str:
    def fill(found: re.Match[str]) -> str:
        name, one, more = found.groups()
        if more is None:
            return str(shown[name])
        return str(one if values[name] == 1 else more)

    return _VALUE.sub(fill, text)


def _english(word: str) -> str:
    return WORDS[word][0]


def _why(reason: str) -> Markup | str:
    """A reason in plain words, where its code is known."""
    word = word_of(reason)
    return reason if word is None else _told(word, told=reason)


def _told(word: str, **values: object) -> Markup:
    """A word that the script can say in the other language; numbers stay numbers there."""
    shown = {name: f"{value:,}" if isinstance(value, int) else value
             for name, value in values.items()}  # fmt: skip
    kept = Markup(' data-values="{}"').format(ENCODER.encode(values).decode()) if values else ""
    english = _filled(_english(word), values, shown)
    return Markup('<span data-word="{}"{}>{}</span>').format(word, kept, english)
