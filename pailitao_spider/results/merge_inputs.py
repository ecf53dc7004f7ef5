"""The result files of many workers, told apart by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pailitao_spider.errors import ResultsError
from pailitao_spider.results.feed_files import check_text
from pailitao_spider.results.paths import ResultPaths

__all__ = ["MergeInputs", "gather", "merged_paths"]

_FEED = "feed"
_SIDES = {
    ".seeds.jsonl": "seeds",
    ".rejected.jsonl": "rejected",
    ".matches.jsonl": "matches",
    ".state.sqlite": "state",
}


@dataclass(frozen=True, slots=True)
class MergeInputs:
    """What is merged, each kind in the order of its paths."""

    feeds: tuple[Path, ...]
    seeds: tuple[Path, ...] = ()
    rejected: tuple[Path, ...] = ()
    matches: tuple[Path, ...] = ()

    def check_apart(self, out: ResultPaths) -> None:
        """No result may be written over what it is made of. Raises ResultsError."""
        given = self.feeds + self.seeds + self.rejected + self.matches
        for written in filter(Path.exists, out.all()):
            if any(written.samefile(path) for path in given):
                raise ResultsError(
                    f"{written} is among the files to merge and would be written over; "
                    "give another name with -O, outside the folders to merge"
                )


def gather(given: Iterable[Path]) -> MergeInputs:
    """Files, and all .jsonl files in folders and their subfolders; each once.

    Raises ResultsError.
    """
    try:
        paths = sorted(path for start in given for path in _files(start))
        kinds = _by_kind(paths)
    except OSError as error:
        raise ResultsError(
            f"{error.filename} cannot be read ({error.strerror or error}); mend it or leave it out"
        ) from error
    if not kinds[_FEED]:
        raise ResultsError(
            "no feed to merge; give the workers' .jsonl files or the folder that holds them"
        )
    for path in kinds[_FEED]:
        check_text(path)
    return MergeInputs(kinds[_FEED], kinds["seeds"], kinds["rejected"], kinds["matches"])


def _by_kind(paths: Iterable[Path]) -> dict[str, tuple[Path, ...]]:
    found: dict[str, dict[Path, Path]] = {kind: {} for kind in (_FEED, *_SIDES.values())}
    for path in paths:
        found[_kind(path)].setdefault(path.resolve(), path)
    return {kind: tuple(once.values()) for kind, once in found.items()}


def _files(start: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Links are followed, unless they lead back up."""
    if start.is_file():
        yield start
        return
    if not start.is_dir():
        why = "is no file" if start.exists() else "does not exist"
        raise ResultsError(f"{start} {why}; give .jsonl files or folders that hold them")
    if (real := start.resolve()) not in above:
        for path in start.iterdir():
            if path.is_dir() or path.suffix == ".jsonl":
                yield from _files(path, above | {real})


def _kind(path: Path) -> str:
    for ending, kind in _SIDES.items():
        if path.name.endswith(ending):
            return kind
    if path.suffix != ".jsonl":
        raise ResultsError(f"{path} is no .jsonl file, and only those can be merged; leave it out")
    return _FEED


def merged_paths(out: Path) -> ResultPaths:
    """Where a merge to `out` writes. Raises ResultsError for a name that it cannot have."""
    if out.suffix != ".jsonl":
        raise ResultsError(f"{out}: merge writes .jsonl; give a name such as -O offers.jsonl")
    if _kind(out) != _FEED:
        raise ResultsError(f"{out} is a name for a side file; give another one, -O offers.jsonl")
    if out.is_dir():
        raise ResultsError(f"{out} is a folder; give the name of a file with -O")
    return ResultPaths.beside(out)
