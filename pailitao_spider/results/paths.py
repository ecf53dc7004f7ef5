"""Where results lie: everything beside the feed, under its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ResultPaths"]


@dataclass(frozen=True, slots=True)
class ResultPaths:
    """The files of one crawl."""

    feed: Path
    seeds: Path
    rejected: Path
    matches: Path
    state: Path

    def all(self) -> tuple[Path, ...]:
        """Every file that a crawl may write."""
        return (self.feed, self.seeds, self.rejected, self.matches, self.state)

    @classmethod
    def beside(cls, feed: Path) -> ResultPaths:
        """`offers.jsonl` has its ledger in `offers.seeds.jsonl`, and so on."""
        stem = feed.name.removesuffix(feed.suffix)
        return cls(
            feed,
            feed.with_name(f"{stem}.seeds.jsonl"),
            feed.with_name(f"{stem}.rejected.jsonl"),
            feed.with_name(f"{stem}.matches.jsonl"),
            feed.with_name(f"{stem}.state.sqlite"),
        )
