"""A gateway's refusal as a finding: what, in its own words, and what a person can do."""

from __future__ import annotations

import time
from collections.abc import Callable

from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.doctor.findings import Finding, note, wrong
from pailitao_spider.gateways.refusals import Cause, Refusal, RefusalClass
from pailitao_spider.keys.quota_day import next_midnight

__all__ = ["finding_of", "said"]


def said(refusal: Refusal) -> str:
    """The gateway's code and words."""
    return f"{refusal.code} {refusal.text}".strip()


def finding_of(refusal: Refusal, url: str) -> Finding:
    """For a refusal that is about anything but the picture."""
    if not refusal.is_known:
        return _unknown(refusal, shown_url(url))
    return _BY_CLASS.get(refusal.kind, _denied)(refusal, shown_url(url))


def _unknown(refusal: Refusal, who: str) -> Finding:
    return note(
        Cause.PERMISSION,
        f"{who} answers, but whether it would search these words do not tell: {said(refusal)}",
        "search one picture that is known to be good",
    )


def _throttled(refusal: Refusal, who: str) -> Finding:
    text = f"right, but throttled: {who} says {said(refusal)}"
    return note(Cause.QUOTA, text, "ask again when nobody else calls with this key")


def _spent(refusal: Refusal, who: str) -> Finding:
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(next_midnight(time.time())))
    remedy = refusal.remedy or f"wait until {until} (midnight in Beijing), or use another key"
    return wrong(Cause.QUOTA, f"the calls are used up: {who} says {said(refusal)}", remedy)


def _transient(refusal: Refusal, who: str) -> Finding:
    return wrong(
        Cause.NETWORK,
        f"no answer that can be used: {who} says {said(refusal)}",
        "try again in a while; if it stays, check PAILITAO_URL, and who answers on the way",
    )


def _denied(refusal: Refusal, who: str) -> Finding:
    cause = refusal.cause or Cause.SETTINGS
    remedy = refusal.remedy or _REMEDIES[cause]
    if cause is Cause.SECRET and "APP_KEY" not in remedy:  # many tell an unknown key the same way
        remedy += ", and that it belongs to PAILITAO_APP_KEY"
    return wrong(cause, f"{who} says {said(refusal)}", remedy)


_BY_CLASS: dict[RefusalClass, Callable[[Refusal, str], Finding]] = {
    RefusalClass.THROTTLED: _throttled,
    RefusalClass.SPENT: _spent,
    RefusalClass.TRANSIENT: _transient,
}
_REMEDIES: dict[Cause, str] = {
    Cause.KEY: "check PAILITAO_APP_KEY",
    Cause.SECRET: "check PAILITAO_APP_SECRET",
    Cause.CLOCK: "set this machine's clock",
    Cause.TOKEN: "set a new PAILITAO_ACCESS_TOKEN",
    Cause.PERMISSION: "ask for the permission in the gateway's console",
    Cause.QUOTA: "wait for the next day in Beijing, or buy calls",
    Cause.NETWORK: "try again in a while",
    Cause.SETTINGS: "check PAILITAO_URL and PAILITAO_GATEWAY",
}
