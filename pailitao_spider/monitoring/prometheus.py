"""A run as Prometheus metrics. Each name stands here, and in the table of docs/watching.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pailitao_spider.monitoring.snapshot import KeyProgress, Progress

__all__ = ["METRICS", "ProgressCollector", "Served"]

_Values = Iterable[tuple[tuple[str, ...], float]]

_MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class Served:
    """One metric. A name that ends in `_total` is a counter's, others are gauges'; `values` gives
    none for what is unknown.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    values: Callable[[Progress], _Values]

    def family(self, progress: Progress) -> Metric:
        make = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        family = make(self.name, self.help, labels=self.labels)
        for labels, value in self.values(progress):
            family.add_metric(labels, value)
        return family


class ProgressCollector(Collector):
    """Looks at the run when it is asked, and counts nothing itself."""

    def __init__(self, look: Callable[[], Progress]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        progress = self._look()
        for each in METRICS:
            yield each.family(progress)

    def describe(self) -> Iterator[Metric]:
        """Nothing is known of a run before it is looked at."""
        return iter(())


def _one(name: str, text: str, read: Callable[[Progress], float | None]) -> Served:
    def values(progress: Progress) -> _Values:
        value = read(progress)
        return () if value is None else (((), value),)

    return Served(name, text, (), values)


def _by(
    name: str, text: str, label: str, read: Callable[[Progress], Mapping[str, int] | None]
) -> Served:
    def values(progress: Progress) -> _Values:
        return [((kind,), count) for kind, count in (read(progress) or {}).items()]

    return Served(name, text, (label,), values)


def _key(name: str, text: str, read: Callable[[KeyProgress], float | None]) -> Served:
    def values(progress: Progress) -> _Values:
        told = ((key.name, read(key)) for key in progress.keys)
        return [((key,), value) for key, value in told if value is not None]

    return Served(f"pailitao_key_{name}", text, ("key",), values)


def _run(name: str, text: str, read: Callable[[Progress], float | None]) -> Served:
    return _one(f"pailitao_run_{name}", text, lambda at: None if at.run is None else read(at))


def _queue(progress: Progress) -> Mapping[str, int] | None:
    run = progress.run
    if run is None:
        return None
    return {"ready": run.pages_ready, "leased": run.pages_leased, "buried": run.buried}


def _shared(progress: Progress) -> Mapping[str, int] | None:
    run = progress.run
    if run is None:
        return None
    return {"waiting": run.waiting, "open": run.open, "ended": run.ended}


def _spent(key: KeyProgress) -> float | None:
    return key.today.spent / _MILLIONTHS if key.has_price else None


METRICS = (
    _one("pailitao_running_seconds", "Since the crawl began", lambda at: at.seconds),
    _by("pailitao_seeds_total", "Seeds that ended, by status", "status",
        lambda at: at.counts.seeds),
    _one("pailitao_seeds_known_total", "Seeds that were done before", lambda at: at.counts.known),
    _one("pailitao_open_seeds", "Searches under way",
         lambda at: None if at.is_worker else at.open),
    _one("pailitao_pages_in_hand", "Of a worker: pages that it holds",
         lambda at: at.open if at.is_worker else None),
    _one("pailitao_source_seeds", "Seeds of the source or of the shared run, once that is known",
         lambda at: at.total),
    _one("pailitao_pages_total", "Pages that came", lambda at: at.counts.pages),
    _one("pailitao_rows_total", "Rows in them", lambda at: at.counts.rows),
    _by("pailitao_offers_total", "Rows, by what became of them", "outcome",
        lambda at: at.counts.offers),
    _one("pailitao_calls_total", "Calls that left, uploads and retries included",
         lambda at: at.counts.calls),
    _one("pailitao_calls_billed_total", "Calls that are charged for", lambda at: at.counts.billed),
    _by("pailitao_refused_total", "Refusals, by class", "kind", lambda at: at.counts.refused),
    _one("pailitao_pictures_uploaded_total", "Pictures uploaded", lambda at: at.counts.uploaded),
    _one("pailitao_tokens_renewed_total", "Access tokens renewed", lambda at: at.counts.renewed),
    _one("pailitao_gate_wait_seconds_total", "Waited for leave to call, summed over calls",
         lambda at: at.waited_seconds),
    _by("pailitao_log_lines_total", "Lines of the log that ask for attention", "level",
        lambda at: at.counts.log_lines),
    _by("pailitao_leases_total", "Of a worker: pages taken, brought to their end, found with a "
        "vanished worker, put aside", "outcome",
        lambda at: at.counts.leases if at.is_worker else None),
    _key("calls_total", "Calls that were let go by this process", lambda key: key.calls),
    _key("calls_per_second_limit", "What the key is held to now, by all workers together",
         lambda key: key.limit_per_second),
    _key("out", "1 while the key makes no calls: spent, denied, without a token",
         lambda key: float(key.out is not None)),
    _key("calls_today", "Calls of all runs since midnight in Beijing", lambda key: key.today.calls),
    _key("calls_billed_today", "Those that are charged for", lambda key: key.today.billed),
    _key("calls_today_limit", "PAILITAO_DAILY_CALLS, where it is given",
         lambda key: key.daily_calls),
    _key("yuan_spent_today", "What today's calls cost, where a price is given", _spent),
    _key("token_life_seconds", "Until the access token is renewed, where the gateway says it",
         lambda key: key.token_seconds),
    _key("login_life_seconds", "Until a new login is needed, where the gateway says it",
         lambda key: key.login_seconds),
    _by("pailitao_run_seeds", "Seeds of the shared run, by where they are", "state", _shared),
    _by("pailitao_queue_pages", "Pages of the shared run, by where they are", "state", _queue),
    _run("workers", "Workers that Redis has heard of lately",
         lambda at: at.run.workers if at.run is not None else None),
)  # fmt: skip
"""What is served, in the order in which it is."""
