"""`docs/cluster.md` against the code it describes."""

from __future__ import annotations

import re

import pytest

from pailitao_spider.cluster.redis.client import script_text
from tests.crawling import REPOSITORY

DOCS = (REPOSITORY / "docs" / "cluster.md").read_text(encoding="utf-8")
KEY = re.compile(r"^--   (\S+) +(LIST|HASH|ZSET|SET|STRING) ", re.MULTILINE)
TYPES = {"LIST": "list", "HASH": "hash", "ZSET": "sorted set", "SET": "set", "STRING": "string"}


@pytest.mark.parametrize("script", ["exchange", "push"])
def test_every_key_that_a_script_names_is_in_the_table(script: str) -> None:
    named = KEY.findall(script_text(script))
    assert named
    missing = [(name, kind) for name, kind in named if f"| `{name}` | {TYPES[kind]} |" not in DOCS]
    assert missing == []


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"\]\(\.\./([^)]+)\)", DOCS)
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
