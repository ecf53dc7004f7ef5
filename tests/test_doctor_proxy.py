"""The doctor asks the gateway by the way that a crawl takes to it."""

from __future__ import annotations

import asyncio

import pytest

from pailitao_spider.doctor.wire import WireError, answered
from pailitao_spider.gateways.calls import Form
from pailitao_spider.testing import SandboxServer
from tests.forward_proxy import ForwardProxy


@pytest.mark.parametrize(
    ("env", "is_passed_on"),
    [
        ({"http_proxy": "{}"}, True),
        ({"http_proxy": "{}", "no_proxy": "127.0.0.1"}, False),
        ({"https_proxy": "{}"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_proxies_count_for_it_as_for_a_crawl(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], is_passed_on: bool
) -> None:
    proxy = ForwardProxy()
    for name, value in env.items():
        monkeypatch.setenv(name, value.format(proxy.url))
    with SandboxServer() as sandbox:
        answer = asyncio.run(answered(Form(sandbox.site.url, b"method=none")))
        asked = [url for _, url in proxy.asked]
        assert asked == ([sandbox.site.url] if is_passed_on else [])
    proxy.close()
    assert answer.body


def test_the_embedded_sandbox_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with SandboxServer() as sandbox:
        form = Form(sandbox.site.url, b"method=none")
        assert asyncio.run(answered(form, is_direct=True)).body
        with pytest.raises(WireError, match="proxy"):
            asyncio.run(answered(form))
