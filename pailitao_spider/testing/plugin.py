"""Fixtures for pytest, with pytest-twisted or without: `pytest_plugins` names this module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pailitao_spider.testing.server import SandboxServer

__all__ = ["pailitao_sandbox", "pailitao_sandbox_options"]


@pytest.fixture
def pailitao_sandbox_options() -> str:
    """The options of the sandbox: override it where others are wanted."""
    return "1"


@pytest.fixture
def pailitao_sandbox(pailitao_sandbox_options: str) -> Iterator[SandboxServer]:
    """A gateway of the test's own."""
    with SandboxServer(pailitao_sandbox_options) as server:
        yield server
