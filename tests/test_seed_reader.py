"""Seeds read ahead on a thread: in order, to the end, and none held back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pailitao_spider.errors import SourceError
from pailitao_spider.seeds.async_reader import SeedReader
from pailitao_spider.seeds.model import BadLine, Seed

LINES = [f"https://pictures.invalid/{number}.jpg" for number in range(100)]


def label(each: Seed | BadLine | None) -> str | None:
    return each.image.label if isinstance(each, Seed) else None


@pytest.mark.parametrize("pause_at", [0, 1, 3, 1000])
def test_the_seeds_come_in_order_and_then_the_end(tmp_path: Path, pause_at: int) -> None:
    """Whoever is faster, reader or crawl."""
    path = tmp_path / "seeds.txt"
    path.write_text("\n".join(LINES))

    async def read() -> list[str | None]:
        reader, found = SeedReader(str(path)), []
        for number in range(len(LINES) + 2):
            if pause_at and number % pause_at == 0:
                await asyncio.sleep(0.001)
            found.append(label(await reader.next()))
        return found

    assert asyncio.run(read()) == [*LINES, None, None]


def test_an_error_of_the_source_is_raised(tmp_path: Path) -> None:
    (tmp_path / "seeds.txt").write_text("\n")

    async def read() -> object:
        reader = SeedReader(str(tmp_path / "seeds.txt"))
        with pytest.raises(SourceError, match="holds no seed"):
            await reader.next()
        return await asyncio.wait_for(reader.next(), 5)

    with pytest.raises(SourceError, match="holds no seed"):
        asyncio.run(read())


def test_a_line_from_standard_input_is_not_held_back_for_the_next() -> None:
    read_end, write_end = os.pipe()
    kept = os.dup(0)
    os.dup2(read_end, 0)

    async def read() -> list[str | None]:
        reader, found = SeedReader("-"), []
        for line in LINES[:20]:
            os.write(write_end, f"{line}\n".encode())
            found.append(label(await asyncio.wait_for(reader.next(), 5)))
        os.close(write_end)
        found.append(label(await asyncio.wait_for(reader.next(), 5)))
        return found

    try:
        assert asyncio.run(read()) == [*LINES[:20], None]
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read_end)


def test_a_flood_after_a_trickle_is_not_read_far_ahead() -> None:
    """A seed may hold a picture of megabytes."""
    read_end, write_end = os.pipe()
    kept = os.dup(0)
    os.dup2(read_end, 0)

    async def read() -> int:
        reader = SeedReader("-")
        for line in LINES:
            os.write(write_end, f"{line}\n".encode())
            await asyncio.wait_for(reader.next(), 5)
        os.write(write_end, "".join(f"{line}\n" for line in LINES * 3).encode())
        await asyncio.wait_for(reader.next(), 5)
        await asyncio.sleep(0.3)  # the thread reads as far as it ever will
        os.close(write_end)
        return len(reader._ahead)

    try:
        assert asyncio.run(read()) <= 16
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read_end)
