"""Workers that die at one exact step, by SIGKILL: an extension and a middleware for kill tests.

`-s EXTENSIONS={"tests.crash_points.CrashPoint":-1}` with CRASH_AT=<name of a step> in the
environment; of all workers that share a working folder only the first that comes there dies.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response

from pailitao_spider.cluster.worker.exchange import Worker
from pailitao_spider.cluster.worker.session import ClusterSession
from pailitao_spider.crawl.requests import META, PageResponse, call_of
from pailitao_spider.exporters.feed_exporter import DurableFeedExporter
from pailitao_spider.middlewares.answers import AnswerMiddleware
from pailitao_spider.spiders.pailitao import PailitaoSpider

MARKER = Path("crashed")


def die() -> None:
    """SIGKILL; for the first worker only."""
    if is_first(MARKER):
        os.kill(os.getpid(), signal.SIGKILL)


def is_first(marker: Path) -> bool:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Puts a function in a method's place; it is given the original one first."""

    def put(instead: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        def method(*given: Any, **named: Any) -> Any:
            return instead(original, *given, **named)

        setattr(owner, name, method)

    return put


def after_the_pop() -> None:
    @around(Worker, "_take")
    def take(original: Any, worker: Worker, answer: Any) -> None:
        original(worker, answer)
        if answer.pages:
            die()


def after_the_response() -> None:
    @around(AnswerMiddleware, "process_response")
    async def process_response(original: Any, middleware: Any, *given: Any, **named: Any) -> Any:
        response = await original(middleware, *given, **named)
        if isinstance(response, PageResponse):
            die()
        return response


def mid_callback() -> None:
    @around(PailitaoSpider, "rows")
    def rows(original: Any, spider: Any, *given: Any) -> Iterator[Any]:
        for number, row in enumerate(original(spider, *given)):
            if number == 3:
                die()
            yield row


def before_the_flush() -> None:
    @around(DurableFeedExporter, "flush")
    def flush(original: Any, exporter: Any) -> Any:
        if exporter._exported > 50:
            die()
        return original(exporter)


def after_fsync_before_the_script() -> None:
    @around(Worker, "_answered")
    async def answered(original: Any, worker: Any, message: Any, raw: Any) -> Any:
        if message.acks:
            die()
        return await original(worker, message, raw)


def after_the_script_before_its_reply() -> None:
    @around(Worker, "_answered")
    async def answered(original: Any, worker: Any, message: Any, raw: Any) -> Any:
        answer = await original(worker, message, raw)
        if message.acks:
            die()
        return answer


def ledger_line_written_before_the_script() -> None:
    @around(Worker, "_answered")
    async def answered(original: Any, worker: Any, message: Any, raw: Any) -> Any:
        if message.written:
            die()
        return await original(worker, message, raw)


def in_close() -> None:
    @around(Worker, "_take")
    def take(original: Any, worker: Worker, answer: Any) -> None:
        original(worker, answer)
        if worker._stats.get_value("pailitao/pages", 0) > 5 and is_first(Path("ended")):
            os.kill(os.getpid(), signal.SIGTERM)

    @around(Worker, "_last_exchanges")
    async def last_exchanges(original: Any, worker: Worker) -> None:
        die()
        await original(worker)


def sigterm_while_opening() -> None:
    @around(ClusterSession, "_open_run")
    async def open_run(original: Any, session: ClusterSession) -> None:
        await original(session)
        await asyncio.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.3)


STEPS = {
    "after the pop": after_the_pop,
    "after the response": after_the_response,
    "mid callback": mid_callback,
    "before the flush": before_the_flush,
    "after fsync, before the script": after_fsync_before_the_script,
    "after the script, before its reply": after_the_script_before_its_reply,
    "ledger line written, before the script": ledger_line_written_before_the_script,
    "in close": in_close,
}


class CrashPoint:
    """Patches the step that CRASH_AT names; without it this worker is an ordinary one."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        step = os.environ.get("CRASH_AT")
        if step is None:
            raise NotConfigured("no CRASH_AT")
        {**STEPS, "sigterm while opening": sigterm_while_opening}[step]()
        return cls()


class Poison:
    """A downloader middleware: the answer for the picture that POISON names kills the worker, when
    it has been chewed for longer than a lease of a second goes without its renewal.
    """

    async def process_response(self, request: Request, response: Response) -> Response:
        if META in request.meta and call_of(request).picture.url == os.environ.get("POISON"):
            await asyncio.sleep(0.6)
            os.kill(os.getpid(), signal.SIGKILL)
        return response
