"""What a key's gate and budget are told when a call is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pailitao_spider import stat_keys
from pailitao_spider.crawl.requests import META

if TYPE_CHECKING:
    from scrapy import Request

    from pailitao_spider.crawl.session import Sent, Session

__all__ = ["count_billed", "lost_answer", "no_answer"]


def count_billed(session: Session, sent: Sent, billed: bool) -> None:
    """A call was answered, and charged for or not."""
    sent.is_through = True
    session.tries.pop(sent.number, None)
    sent.key.budget.answered(billed)
    if billed:
        session.crawler.stats.inc_value(stat_keys.CALLS_BILLED)


def no_answer(session: Session, request: Request) -> None:
    """The call ended by something else than an answer, or nobody came to read it: else the gate
    would wait for it.
    """
    sent = session.sent.get(request)
    if sent is not None:
        _unclear(session, sent)


def lost_answer(session: Session, request: Request) -> None:
    """The same for the call that this request is a copy of: a middleware of others has begun
    another try, and what became of the last was hidden by it.
    """
    sent = session.tries.get(request.meta[META].get("try", ""))
    if sent is not None:
        _unclear(session, sent)


def _unclear(session: Session, sent: Sent) -> None:
    if sent.permit is None or sent.is_through:
        return
    sent.key.gate.unclear()
    count_billed(session, sent, billed=False)
