"""Answers read by a dialect, whose own faults are told by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import signature
from typing import Any, TypeVar

from pailitao_spider.errors import RefusedError
from pailitao_spider.gateways.calls import Form, SearchCall
from pailitao_spider.gateways.pages import Page
from pailitao_spider.gateways.protocol import Dialect, TakesUploads
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass

__all__ = ["FAULTY", "made_form", "read_page", "read_upload"]

T = TypeVar("T")

FAULTY = "dialect"
"""The code of a refusal that is a dialect's fault and not the gateway's word."""


def read_page(
    dialect: Dialect, status: int, headers: Mapping[str, str], body: bytes, call: SearchCall
) -> Page | Refusal:
    """What a search answered. A dialect's `page` may take the `call` that was asked as well."""
    more = {"call": call} if _takes_call(type(dialect)) else {}
    return _read(dialect, "page", Page, lambda: dialect.page(status, headers, body, **more))


def read_upload(
    dialect: TakesUploads, status: int, headers: Mapping[str, str], body: bytes
) -> str | Refusal:
    """What an upload answered: the picture's id."""
    return _read(dialect, "imgid", str, lambda: dialect.imgid(status, headers, body))


def made_form(dialect: Dialect, make: Callable[[], Form]) -> Form:
    """The form of a call. Raises RefusedError with the dialect's name where it makes none."""
    try:
        form = make()
    except Exception as error:
        what = f"makes no form: {type(error).__name__}: {error}"
        raise RefusedError(f"{FAULTY}: {_name(dialect)} {what}") from error
    if isinstance(form, Form) and isinstance(form.url, str) and isinstance(form.body, bytes):
        return form
    what = f"makes no Form of a str and bytes: TypeError: {type(form).__name__}"
    raise RefusedError(f"{FAULTY}: {_name(dialect)} {what}")


@lru_cache
def _takes_call(kind: type[Dialect]) -> bool:
    return "call" in signature(kind.page).parameters


def _read(dialect: Dialect, member: str, wanted: type[T], read: Callable[[], Any]) -> T | Refusal:
    """Whatever a dialect raises is told by its name; a crawl goes on by other keys, if any."""
    try:
        answer = read()
    except Exception as error:
        return _fault(dialect, f"{member}() raised {type(error).__name__}: {error}")
    if isinstance(answer, wanted | Refusal):
        return answer
    return _fault(dialect, f"{member}() returned {type(answer).__name__}, no {wanted.__name__}")


def _name(dialect: Dialect) -> str:
    return f"{type(dialect).__module__}.{type(dialect).__qualname__}"


def _fault(dialect: Dialect, what: str) -> Refusal:
    return Refusal(
        RefusalClass.DENIED,
        FAULTY,
        f"{_name(dialect)}.{what}",
        remedy="mend this class: check_dialect of pailitao_spider.testing tries it",
        cause=Cause.SETTINGS,
    )
