"""What a gateway says, without our secrets in it: an error, or a row, may repeat the request."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Self
from urllib.parse import quote, quote_plus, unquote_plus

from pailitao_spider.gateways.calls import Credential, Form

__all__ = ["HIDDEN", "Washing", "signatures_of", "without_named"]

HIDDEN = "***"
_LONG = 8  # letters from which on a value is cut out wherever it stands
_SMALL_BODY = 16_384  # bytes that are searched thoroughly

_NAME = (
    r"(?<![a-z])(?:[\w-]*[_-])?(?:app|access|api|refresh|client|auth|session|consumer)?"
    r"(?:sign(?:ature)?|secret|token|session|passw(?:or)?d|pwd|key|authorization)"
)
_QUOTED = r"""\\*["']\s?(?:=>?|:)\s?\\*["']"""
_SET = r"""(?:\s?=>?\s?|%(?:25)*3d|\]\s?=>?\s?)\\*["']?"""
_TOLD = r"""\s?[:：]\s?\\*["']?|>"""
_ANY_VALUE = re.compile(
    rf"({_NAME}(?:{_QUOTED}|{_SET}))(?!null|none|undefined|\*)[^\s&,;\"'<>\\(){{}}\[\]]+"
    rf"|({_NAME}\s?[:：]\s?)(?=\S*\d)[\w+/=-]{{12,}}",
    re.IGNORECASE | re.ASCII,
)
_LOGIN = re.compile(r"(://)[^/\s:@\"'<>]*:[^/\s@\"'<>]*(?=@)")
_SAYS_SIGNATURE = re.compile(r"sign|签", re.IGNORECASE)
_DIGEST = re.compile(
    r"(?<![\w+/])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[\w+/]{27}=|[\w+/]{43}=)(?![\w+/])",
    re.IGNORECASE | re.ASCII,
)
_SIGNATURE = re.compile(rb"(?:^|[?&])(?:_aop_)?(?:x-)?sign(?:ature)?=([^&#]+)", re.IGNORECASE)


# As Gson writes = & < > and others may write any letter; a quote and a backslash stay escaped.
_ESCAPED_ASCII = re.compile(
    rb"(?<!\\)((?:\\\\)*)\\u00(2[013-9a-f]|[3467][0-9a-f]|5[0-9abdef])", re.IGNORECASE
)


def _unescaped(found: re.Match[bytes]) -> bytes:
    return found[1] + bytes.fromhex(found[2].decode())


def without_named(text: str) -> str:
    """A text without the values of what is named as a secret, whosever it is."""
    text = _LOGIN.sub(rf"\1{HIDDEN}", _ANY_VALUE.sub(_hidden, text))
    return _DIGEST.sub(HIDDEN, text) if _SAYS_SIGNATURE.search(text) else text


def _hidden(found: re.Match[str]) -> str:
    return (found[1] or found[2]) + HIDDEN


def signatures_of(form: Form) -> tuple[str, ...]:
    """The signature that a form carries, in both cases."""
    texts = (form.url.encode(), form.body)
    found = [
        unquote_plus(each.decode("latin-1")) for text in texts for each in _SIGNATURE.findall(text)
    ]
    found += [text for name, text in form.headers.items() if _SAYS_SIGNATURE.search(name)]
    return tuple(dict.fromkeys(way for each in found for way in (each, each.upper(), each.lower())))


class Washing:
    """Cuts one key's secrets out of what its gateway says.

    Long ones go wherever they stand, in any of the ways to escape them; short ones, those of
    digits alone and `names` (such as the app key) only as `name=value`: they may be part of a word
    or of an id. A number is never touched.
    """

    def __init__(self, secrets: Iterable[str | None], names: Iterable[str | None] = ()) -> None:
        given = [each for each in dict.fromkeys(secrets) if each]
        self._long = tuple(each for each in given if _is_long(each))
        rest = [each for each in given if not _is_long(each)]
        self._short = tuple(dict.fromkeys([*rest, *(each for each in names if each)]))
        self._needles = tuple(each.encode() for each in _ways([*self._long, *self._short]))

    @classmethod
    def of(cls, credential: Credential, *tokens: str | None) -> Self:
        """For who calls so; `tokens` are what renews the access token, and others in use."""
        secrets = (credential.app_secret, credential.access_token, *tokens)
        return cls(secrets, (credential.app_key,))

    def body(self, body: bytes, signatures: Sequence[str] = ()) -> bytes:
        """An answer's bytes, UTF-8 or another superset of ASCII; still JSON where they were."""
        if b"\\u00" in body:
            body = _ESCAPED_ASCII.sub(_unescaped, body)
        if len(body) > _SMALL_BODY and not self._is_in(body, signatures):
            return body
        text = body.decode("utf-8", "surrogateescape")
        return self._without(text, signatures).encode("utf-8", "surrogateescape")

    def text(self, text: str, signatures: Sequence[str] = ()) -> str:
        """A refusal's words, also without what they name as a secret of somebody else."""
        return without_named(self._without(text, signatures))

    def _is_in(self, body: bytes, signatures: Sequence[str]) -> bool:
        return any(each in body for each in self._needles) or any(
            each.encode() in body for each in signatures
        )

    def _without(self, text: str, signatures: Sequence[str]) -> str:
        for each in signatures:
            text = _everywhere([each]).sub(HIDDEN, text) if _is_long(each) else text
        if self._long:
            text = self._anywhere.sub(HIDDEN, text)
        return self._as_pair.sub(rf"\1{HIDDEN}", text) if self._short else text

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        return _everywhere(self._long)

    @cached_property
    def _as_pair(self) -> re.Pattern[str]:
        values = "|".join(map(re.escape, _ways(self._short)))
        return re.compile(
            rf"({_NAME}(?:{_QUOTED}|{_SET}|{_TOLD}))(?:{values})(?!\w)", re.IGNORECASE | re.ASCII
        )


def _is_long(value: str) -> bool:
    return len(value) >= _LONG and not value.isdecimal()


def _everywhere(values: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _ways(values))), re.IGNORECASE)


def _ways(values: Sequence[str]) -> list[str]:
    """Each value as it may be written, the longest first."""
    ways = dict.fromkeys(way for value in values for way in _escaped(value))
    return sorted(ways, key=len, reverse=True)


def _escaped(value: str) -> Iterator[str]:
    in_url = quote(value, safe="")
    in_json = json.dumps(value)[1:-1]
    yield from (value, in_url, quote_plus(value), quote(in_url, safe=""), html.escape(value))
    yield from (in_json, in_json.replace("/", r"\/"), json.dumps(value, ensure_ascii=False)[1:-1])
