"""A run as lines of a terminal: always the same lines, so that nothing jumps."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.text import Text

from pailitao_spider.monitoring.snapshot import KeyProgress, LastWarning, OpenSeed, Progress
from pailitao_spider.monitoring.text import duration, numbers, pace, refusals
from pailitao_spider.offers.values import cleaned

__all__ = ["panel"]

_MOST_WIDTH = 100
_LABEL_WIDTH = 9
_MOST_LABEL_WIDTH = 16
_BAR_WIDTH = 30
_OTHER_LINES = 9
_FEWEST_KEYS = 2
_LEVELS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


def panel(progress: Progress, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """Lines of at most `width` cells, and no more than `height` unless that is less than twelve."""
    width = min(width, _MOST_WIDTH)
    shown = max(height - _OTHER_LINES - 1, _FEWEST_KEYS)
    page = _Page(width, _label_width(progress.keys[:shown]))
    return [
        _head(progress, width),
        page.line("seeds", _seeds(progress, ascii_only)),
        page.line("", _statuses(progress)),
        page.line("offers", _counts(progress), _each_second(progress.offers_per_second)),
        page.line("pages", _pages(progress), _each_second(progress.pages_per_second)),
        *_keys(progress, page, shown),
        page.line("refused", Text(refusals(progress.counts.refused), _refused_style(progress))),
        page.line("slowest", _slowest(progress.slowest)),
        page.line("last word", _last_word(progress.last_word)),
    ]


class _Page:
    """The two columns of the panel, and what stands at its right edge."""

    def __init__(self, width: int, label_width: int) -> None:
        self._width = width
        self._label_width = label_width

    def line(self, label: str, body: Text, edge: str = "") -> Text:
        name = Text(cleaned(label), "bold")
        name.truncate(self._label_width, overflow="ellipsis", pad=True)
        room = self._width - self._label_width - 1
        body = body.copy()
        body.truncate(max(room - len(edge) - bool(edge), 1), overflow="ellipsis")
        gap = room - body.cell_len - len(edge) if edge else 0
        return Text.assemble(name, " ", body, " " * gap, (edge, "cyan"))


def _label_width(keys: tuple[KeyProgress, ...]) -> int:
    names = (Text(cleaned(key.name)).cell_len for key in keys if len(keys) > 1)
    return min(max(_LABEL_WIDTH, *names, 0), _MOST_LABEL_WIDTH)


def _head(progress: Progress, width: int) -> Text:
    words = duration(progress.seconds)
    if progress.left_seconds is not None:
        words += f", about {duration(progress.left_seconds)} left"
    if progress.run is not None:
        words += f", {progress.run.workers} workers, run {progress.run.name}"
    text = Text.assemble(("pailitao", "bold cyan"), f"  {words}")
    text.truncate(width, overflow="ellipsis")
    return text


def _seeds(progress: Progress, ascii_only: bool) -> Text:
    if not progress.total:
        return Text(f"{progress.through} ended, more may come")
    share = min(progress.through / progress.total, 1.0)
    return Text.assemble(
        _bar(share, ascii_only), f"  {progress.through} of {progress.total}  {int(100 * share)} %"
    )


def _bar(share: float, ascii_only: bool) -> Text:
    done, left = ("#", "-") if ascii_only else ("━", "─")
    full = int(_BAR_WIDTH * share)
    return Text.assemble((done * full, "cyan"), (left * (_BAR_WIDTH - full), "dim"))


def _statuses(progress: Progress) -> Text:
    words = numbers(progress.counts.seeds, "done", "failed")
    if progress.counts.known:
        words += f", {progress.counts.known} done before"
    if not progress.is_worker:
        return Text(f"{progress.open} open; {words}")
    return Text(f"{progress.open} pages in hand; by this worker {words}")


def _counts(progress: Progress) -> Text:
    return Text(numbers(progress.counts.offers, "new", "duplicate"))


def _pages(progress: Progress) -> Text:
    counts = progress.counts
    run = progress.run
    if run is None:
        return Text(f"{counts.pages} with {counts.rows} rows, {counts.calls} calls")
    queue = {"ready": run.pages_ready, "leased": run.pages_leased, "buried": run.buried}
    return Text(f"{counts.pages}, {counts.calls} calls; queue {numbers(queue)}")


def _each_second(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.1f}/s"


def _refused_style(progress: Progress) -> str:
    return "yellow" if any(progress.counts.refused.values()) else ""


def _keys(progress: Progress, page: _Page, shown: int) -> Iterator[Text]:
    keys = progress.keys
    cells = [_cells(key) for key in keys[:shown]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for key, texts in zip(keys, cells, strict=False):
        label = key.name if len(keys) > 1 else "quota"
        yield page.line(label, _key(key, texts, widths))
    if len(keys) > shown:
        yield page.line("", Text(_other_keys(keys[shown:]), "dim"))


def _cells(key: KeyProgress) -> tuple[str, str, str]:
    most = "" if key.daily_calls is None else f" of {key.daily_calls}"
    token = "" if key.token_seconds is None else f"token {duration(key.token_seconds)}"
    return pace(key), f"{key.today.calls}{most} today", token


def _key(key: KeyProgress, texts: tuple[str, ...], widths: list[int]) -> Text:
    rate, today, token = (text.ljust(width) for text, width in zip(texts, widths, strict=True))
    if key.out is not None:
        return Text(f"out: {cleaned(key.out)}", "yellow")
    return Text(f"{rate}  {today}  {token}".rstrip())


def _other_keys(keys: tuple[KeyProgress, ...]) -> str:
    calls = sum(key.calls for key in keys)
    out = sum(key.out is not None for key in keys)
    return f"{len(keys)} more keys, {calls} calls{f', {out} out' * bool(out)}"


def _slowest(seed: OpenSeed | None) -> Text:
    if seed is None:
        return Text("none")
    words = f"{duration(seed.seconds)} so far"
    if seed.page is not None:
        words += f", page {seed.page}"
    elif seed.expected is not None:
        words += f", {seed.fetched} of {seed.expected} pages"
    return Text(f"{words}: {cleaned(seed.seed_id)}")


def _last_word(word: LastWarning | None) -> Text:
    if word is None:
        return Text("none")
    moment = time.strftime("%H:%M:%S", time.localtime(word.at))
    return Text(f"{moment} {cleaned(word.text)}", _LEVELS.get(word.level, ""))
