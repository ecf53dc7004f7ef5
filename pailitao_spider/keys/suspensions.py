"""What is said of keys that make no calls: why, and when they are whole again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pailitao_spider.keys.key import Key, Out

__all__ = ["why_all_are_out", "with_time"]


def with_time(out: Out) -> str:
    """Why a key is out, and when it is whole again."""
    if out.until is None:
        return out.text
    return f"{out.text}; whole again after {_local(out.until)} (local time)"


def why_all_are_out(outs: Sequence[tuple[Key, Out]], way_on: str, *, named: bool) -> str:
    """Why no key is left, and when one is whole again; `way_on` is what to do then."""
    text = "; ".join(f"key {key.name}: {out.text}" if named else out.text for key, out in outs)
    moments = [out.until for _, out in outs if out.until is not None]
    return f"{text}; {way_on} after {_local(min(moments))} (local time)" if moments else text


def _local(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
