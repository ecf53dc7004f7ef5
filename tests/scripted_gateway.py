"""A gateway on 127.0.0.1 that answers what a test says, whatever it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Answer", "ScriptedGateway", "found", "refused", "scripted"]


@dataclass(frozen=True)
class Answer:
    """`body` is JSON, text, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


Script = Callable[[dict[str, str], int], Answer]
"""What to answer to these parameters; the calls are counted from 1."""


@dataclass
class ScriptedGateway:
    """Where it is, and what it was asked."""

    url: str
    calls: list[dict[str, str]] = field(default_factory=list)

    @property
    def pictures(self) -> list[str]:
        return [call.get("imgid", "") for call in self.calls]


def found(*ids: int, total: int | None = None, **members: Any) -> Answer:
    """A page of the router dialect."""
    rows = [
        {"num_iid": str(each), "title": f"offer {each}", "price": "1.00", **members} for each in ids
    ]
    items = {"item": rows, "real_total_results": len(ids) if total is None else total}
    return Answer({"code": 200, "msg": "success", "request_id": "r", "items": items})


def refused(msg: str, code: int | str = 400, status: int = 200, **members: Any) -> Answer:
    """A refusal of the router dialect."""
    return Answer({"code": code, "msg": msg, "request_id": "r", **members}, status)


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedGateway]:
    """Serves a script as long as the block lasts."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            query = f"{urlsplit(self.path).query}&{self.rfile.read(length).decode()}"
            asked = dict(parse_qsl(query, keep_blank_values=True))
            with lock:
                gateway.calls.append(asked)
                number = len(gateway.calls)
            answer = script(asked, number)
            self.send_response_only(answer.status)  # no Date of its own
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway = ScriptedGateway(f"http://127.0.0.1:{server.server_port}/router/rest")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
