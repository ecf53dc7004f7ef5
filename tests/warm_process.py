"""The process of `tests.warm`: loads Scrapy and what each crawl loads of this project, then forks
for each command that it is asked for.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from shutil import rmtree
from struct import Struct
from typing import Any

import scrapy

__all__ = ["NUMBER", "READY"]

READY = "ready"
NUMBER = Struct("!q")
_LOADED = (
    "PIL.ImageFile",
    "PIL.ImageOps",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "queuelib.queue",
    "scrapy.cmdline",
    "scrapy.crawler",
    "scrapy.dupefilters",
    "scrapy.logformatter",
    "scrapy.pqueues",
    "scrapy.squeues",
    "scrapy.statscollectors",
    "scrapy.core.engine",
    "scrapy.core.scraper",
    "scrapy.core.downloader.handlers.http11",
    "scrapy.extensions.feedexport",
    "scrapy.extensions.corestats",
    "scrapy.extensions.logstats",
    "scrapy.extensions.memusage",
    "scrapy.exporters",
    "scrapy.utils.reactor",
    "aiohttp",
    "pailitao_spider.addon",
    "pailitao_spider.cli",
    "pailitao_spider.pipelines",
    "pailitao_spider.sandbox.embedded",
    "pailitao_spider.scrapy_overrides",
    "pailitao_spider.verbs.merge",
    "pailitao_spider.verbs.push",
    "pailitao_spider.verbs.status",
    "cryptography.hazmat.primitives.ciphers.aead",
    "jinja2",
    "msgspec",
    "redis.asyncio",
    "rich.console",
    "rich.table",
    "scrapy_redis.connection",
    "sqlite3",
)


_LOADED_WHOLE = (
    "scrapy.commands",
    "scrapy.downloadermiddlewares",
    *(
        f"pailitao_spider.{name}"
        for name in ("commands", "config", "crawl", "exporters", "extensions", "gateways",
                     "item_fast_path", "keys", "middlewares", "offers", "pictures", "results",
                     "seeds", "spiders")
    ),
    *(f"pailitao_spider.cluster.{name}" for name in ("admin", "redis", "shared", "worker")),
    *(f"pailitao_spider.sandbox.{name}" for name in ("catalogue", "protocols")),
)  # fmt: skip


def main() -> None:
    for name in _LOADED:
        import_module(name)
    for name in _LOADED_WHOLE:
        for module in iter_modules(import_module(name).__path__, f"{name}."):
            import_module(module.name)
    assert "twisted.internet.reactor" not in sys.modules, "each command takes its own"
    gc.collect()
    gc.freeze()  # else each fork copies what its collector looks at
    _become(_asked())
    from scrapy.cmdline import execute

    sys.exit(execute())


def _asked() -> dict[str, Any]:
    """Forks for each command, and returns in the child, with the command."""
    selector = selectors.DefaultSelector()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    print(READY, flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                line, _ = listener.accept()
                if (asked := _forked(selector, line)) is not None:
                    listener.close()
                    return asked
            elif key.data is None:
                rmtree(Path(sys.argv[1]).parent)  # who started this has ended
                os._exit(0)
            else:
                pid, line = key.data
                selector.unregister(key.fd)
                os.close(key.fd)
                with suppress(OSError), line:
                    line.sendall(NUMBER.pack(os.waitpid(pid, 0)[1]))


def _forked(selector: selectors.BaseSelector, line: socket.socket) -> dict[str, Any] | None:
    said, streams, _, _ = socket.recv_fds(line, 1 << 16, 3)
    while not said.endswith(b"\n"):
        said += line.recv(1 << 16)
    pid = os.fork()
    if pid == 0:
        for key in list(selector.get_map().values()):
            if key.data is not None:
                os.close(key.fd)
                key.data[1].close()
        selector.close()
        line.close()
        return {**json.loads(said), "streams": streams}
    for fd in streams:
        os.close(fd)
    line.sendall(NUMBER.pack(pid))
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, line))
    return None


def _become(asked: dict[str, Any]) -> None:
    """What Python's own start does with streams, folder, environment and path."""
    for number, fd in enumerate(asked["streams"]):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    paths = asked["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [asked["cwd"], *filter(None, paths)]
    sys.argv[:] = [str(Path(scrapy.__file__).with_name("__main__.py")), *asked["arguments"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
