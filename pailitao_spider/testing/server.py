"""A sandbox that listens on 127.0.0.1 as long as a test runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from pailitao_spider.sandbox.options import SandboxOptions, build
from pailitao_spider.sandbox.server import Site, serve

__all__ = ["SandboxServer"]

_T = TypeVar("_T")
_SECONDS = 10


class SandboxServer:
    """A gateway in a thread of its own: `with SandboxServer("fault=500@2") as sandbox:`.

    `options` are those of PAILITAO_SANDBOX; the docs list them.
    """

    def __init__(self, options: str = "1") -> None:
        self._options = SandboxOptions.from_text(options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._site: Site | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._site = self._run(serve(build(self._options)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self.site.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_SECONDS)
        self._loop.close()

    @property
    def site(self) -> Site:
        assert self._site is not None, "the sandbox is not served: use it in a with statement"
        return self._site

    @property
    def calls(self) -> int:
        """The calls that came so far."""
        return self.site.gateway.log.calls

    def settings(self, gateway: str = "router") -> dict[str, Any]:
        """The settings of a crawl that calls it, with the add-on."""
        account = self.site.gateway.account
        return {
            "ADDONS": {"pailitao_spider.Addon": 500},
            "PAILITAO_GATEWAY": gateway,
            "PAILITAO_URL": self.site.url_of(gateway),
            "PAILITAO_TOKEN_URL": self.site.token_url_of(gateway),
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
            "PAILITAO_REFRESH_TOKEN": account.refresh_token,
            "PAILITAO_RATE": 1000,
        }

    def photo(self, name: str = "mug-01") -> str:
        """The address of a photo that the sandbox knows offers for."""
        return self.site.gateway.catalogue.hosted_url(name)

    def offer_ids(self, *names: str) -> set[str]:
        """The ids of all offers that a search for these photos finds, together."""
        catalogue = self.site.gateway.catalogue
        found = (catalogue.truth(name, 1) for name in names or ("mug-01",))
        return {str(each) for ids in found for each in ids}

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=_SECONDS)
