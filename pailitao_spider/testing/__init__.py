"""For the tests of projects that use this one: answers as responses, and a gateway to call.

`page_response` makes what a callback gets of an answer, without network; `SandboxServer` is a
gateway on 127.0.0.1 with invented offers. `testing.plugin` has the pytest fixtures.
"""

from __future__ import annotations

from pailitao_spider.testing.responses import page_response
from pailitao_spider.testing.server import SandboxServer

__all__ = ["SandboxServer", "page_response"]
