"""Downloader middleware 555, beside Scrapy's retry: what an answer means, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate, parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response, TextResponse
from scrapy.utils.misc import load_object

from pailitao_spider import stat_keys
from pailitao_spider.crawl.call_accounting import count_billed, no_answer
from pailitao_spider.crawl.endings import TOO_LARGE, PageNotNeededError
from pailitao_spider.crawl.requests import META, PageResponse, asked_for, call_of, first_size
from pailitao_spider.crawl.searches import now_text
from pailitao_spider.crawl.session import Sent, session_of
from pailitao_spider.errors import PailitaoError, RefusedError
from pailitao_spider.gateways.charsets import in_utf8
from pailitao_spider.gateways.oauth import Renewed, renewed
from pailitao_spider.gateways.pages import Origin, Page
from pailitao_spider.gateways.reading import read_page, read_upload
from pailitao_spider.gateways.refusals import Refusal, RefusalClass
from pailitao_spider.keys.key import Key
from pailitao_spider.middlewares.refusal_handler import Refusals
from pailitao_spider.middlewares.repetition import picture_key

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

__all__ = ["AnswerMiddleware"]


class AnswerMiddleware:
    """Turns answers into pages, and refusals into waiting, renewing, another try, or an end."""

    def __init__(self, crawler: Crawler) -> None:
        self._session = session_of(crawler)
        self._refusals = Refusals(self._session)
        self._stats = crawler.stats
        self._passing = tuple(
            load_object(each) if isinstance(each, str) else each
            for each in crawler.settings.getlist("RETRY_EXCEPTIONS")
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    # before the call

    def process_request(self, request: Request) -> Response | None:
        if META not in request.meta or request.meta[META]["kind"] != "search":
            return None
        session, call = self._session, call_of(request)
        if not session.is_open:
            return None
        if (seed_id := request.meta[META].get("seed_id")) is not None:
            search = session.frontier.find(seed_id, call.page)
            # No such search: a job folder's queue holds pages of a run before this one.
            if search is None or not search.needs(call.page):
                raise PageNotNeededError
        answered = request.meta[META].get("answered", 0)
        kept = session.pages.find(call.subject, call.page, answered) if session.pages else None
        if kept is None:
            return None
        gateway, body = kept
        return TextResponse(request.url, body=body, encoding="utf-8", flags=[gateway])

    # after it

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        if META not in request.meta:
            return response
        kind = request.meta[META]["kind"]
        if (sent := self._session.sent.get(request)) is not None:
            sent.key.has_answered = True
            response = _washed(response, kind, sent)
        try:
            outcome = self._read(kind, request, response)
        except Exception:
            no_answer(self._session, request)
            raise
        if isinstance(outcome, Page) and sent is not None:
            sent.key.breaker.good()
        if isinstance(outcome, Page) and _contradicts_itself(outcome, request):
            outcome = Refusal(RefusalClass.TRANSIENT, "no rows", f"of {outcome.total} reported")
        if isinstance(outcome, Refusal) and _says_no_more(outcome, request):
            self._stats.inc_value(stat_keys.refused(outcome.kind))
            outcome = Page([], billed=outcome.billed)
        if isinstance(outcome, Refusal):
            outcome = _said_cleanly(_with_clock(outcome, response), sent)
            return await self._refusals.next_attempt(request, outcome)
        self._went_well(request, outcome)
        if isinstance(outcome, Page):
            return self._page_response(request, response, outcome)
        if isinstance(outcome, Renewed):
            return response
        self._stats.inc_value(stat_keys.PICTURES_UPLOADED)
        return TextResponse(request.url, body=outcome.encode(), encoding="utf-8")

    async def process_exception(
        self, request: Request, exception: Exception
    ) -> Response | Request | None:
        if META not in request.meta or request not in self._session.sent:
            return None
        name = type(exception).__name__
        if isinstance(exception, self._passing):
            return await self._refusals.next_attempt(
                request, Refusal(RefusalClass.TRANSIENT, name, "")
            )
        no_answer(self._session, request)
        if isinstance(exception, DownloadCancelledError):  # each time
            self._session.sent[request].key.has_answered = True
            raise RefusedError(TOO_LARGE) from None
        if isinstance(exception, IgnoreRequest | PailitaoError):
            return None
        raise RefusedError(f"error: {name}") from None  # its text may hold the signed address

    def _read(
        self, kind: str, request: Request, response: Response
    ) -> Page | str | Renewed | Refusal:
        if kind == "token":
            return renewed(response.status, response.body)
        headers = _headers(response)
        key = self._key(request, response)
        body = in_utf8(response.body, headers)
        if kind == "search":
            return read_page(key.dialect, response.status, headers, body, call_of(request))
        return read_upload(key.uploading, response.status, headers, body)

    def _key(self, request: Request, response: Response) -> Key:
        """By whom the answer came; one that was kept names its gateway."""
        sent = self._session.sent.get(request)
        if sent is not None:
            return sent.key
        key = self._session.pool.of_group(response.flags[0] if response.flags else "")
        return key or self._session.pool.keys[0]

    def _went_well(self, request: Request, outcome: Page | str | Renewed) -> None:
        sent = self._session.sent.get(request)
        if sent is None or sent.permit is None:
            return
        sent.key.gate.good(sent.permit)
        self._session.in_doubt.discard(picture_key(request) or "")
        page = outcome if isinstance(outcome, Page) else None
        count_billed(self._session, sent, page.billed if page is not None else True)
        if page is not None and page.quota is not None:
            sent.key.budget.told(page.quota)

    def _page_response(self, request: Request, response: Response, page: Page) -> PageResponse:
        session, call, key = self._session, call_of(request), self._key(request, response)
        page.gateway = key.group
        size = first_size(request) or call.page_size
        page.come_from(Origin(call.page, size, key.gateway, now_text(), asked_for(request)))
        if session.pages is not None:
            answered = request.meta[META].get("answered", 0)
            body = in_utf8(response.body, _headers(response))
            session.pages.keep(call.subject, call.page, answered, key.group, body)
        self._stats.inc_value(stat_keys.PAGES)
        return response.replace(cls=PageResponse, url=request.url, page=page)


def _washed(response: Response, kind: str, sent: Sent) -> Response:
    """The answer without what was sent in secret; new tokens are there to be read."""
    body = response.body if kind == "token" else sent.washed_body(response.body)
    return response if body is response.body else response.replace(body=body)


def _said_cleanly(refusal: Refusal, sent: Sent | None) -> Refusal:
    if sent is None:
        return refusal
    text, code = sent.washed(refusal.text), sent.washed(refusal.code)
    request_id = refusal.request_id and sent.washed(refusal.request_id)
    return replace(refusal, text=text, code=code, request_id=request_id)


def _contradicts_itself(page: Page, request: Request) -> bool:
    """A first page without a row of the many that it reports is no empty result."""
    return page.is_empty and bool(page.total) and call_of(request).page == 1


def _says_no_more(refusal: Refusal, request: Request) -> bool:
    """A refusal that nobody knows may be a gateway's way to say that a further page is none."""
    is_search = request.meta[META]["kind"] == "search"
    return is_search and not refusal.is_known and call_of(request).page > 1


def _headers(response: Response) -> Mapping[str, str]:
    """By lower-case name; without a date of its own the answer is of now."""
    return {"date": formatdate(time(), usegmt=True)} | {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in response.headers.items()
        if values
    }


def _with_clock(refusal: Refusal, response: Response) -> Refusal:
    """A refusal for the clock says by how much the gateway's own `Date` differs."""
    if "clock" not in refusal.remedy or not (date := response.headers.get("Date")):
        return refusal
    try:
        ahead = time() - parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except ValueError:
        return refusal
    which = "ahead of" if ahead > 0 else "behind"
    return replace(
        refusal, remedy=f"{refusal.remedy}: it is {abs(ahead):.0f} s {which} the gateway's"
    )
