"""The fewest suppliers for the most seeds: greedy, and exact where that is cheap."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["SetCover", "cover"]

_EXACT_SEEDS = 256
_EXACT_STEPS = 1_500_000  # comparisons; about half a second


@dataclass(frozen=True, slots=True)
class SetCover:
    """Suppliers by index, the one that adds most first, and how many seeds each adds.

    `is_smallest`: no smaller set reaches the target. Greedy alone is at most 1 + ln(n) times as
    large, n the most seeds that one supplier has.
    """

    picks: tuple[int, ...]
    gains: tuple[int, ...]
    is_smallest: bool

    @property
    def covered(self) -> int:
        return sum(self.gains)


def cover(sets: Sequence[np.ndarray], seeds: int, target: int) -> SetCover:
    """Covers `target` of the seeds 0 to `seeds` - 1, or all that can be, whichever is less.

    Each set holds a supplier's seeds, each once; of equal ones the first is preferred.
    """
    held = np.zeros(seeds, dtype=bool)
    for each in sets:
        held[each] = True
    target = min(target, int(held.sum()))
    picks = _greedy(sets, seeds, target)
    smaller, is_smallest = _smaller(sets, seeds, target, picks)
    picks = _greedy(sets, seeds, target, smaller) if smaller is not None else picks
    return SetCover(tuple(picks), tuple(_gains(sets, seeds, picks)), is_smallest)


def _greedy(
    sets: Sequence[np.ndarray], seeds: int, target: int, among: Sequence[int] | None = None
) -> list[int]:
    """Gains only shrink, so that an old one is a bound: only the first is looked at again."""
    open_ = np.ones(seeds, dtype=bool)
    queue = [(-len(sets[index]), index) for index in (range(len(sets)) if among is None else among)]
    heapq.heapify(queue)
    picks: list[int] = []
    missing = target
    while missing > 0:
        index = heapq.heappop(queue)[1]
        gain = int(open_[sets[index]].sum())
        if queue and (-gain, index) > queue[0]:
            heapq.heappush(queue, (-gain, index))
            continue
        picks.append(index)
        open_[sets[index]] = False
        missing -= gain
    return picks


def _gains(sets: Sequence[np.ndarray], seeds: int, picks: Sequence[int]) -> list[int]:
    open_ = np.ones(seeds, dtype=bool)
    gains = []
    for index in picks:
        gains.append(int(open_[sets[index]].sum()))
        open_[sets[index]] = False
    return gains


def _smaller(
    sets: Sequence[np.ndarray], seeds: int, target: int, picks: Sequence[int]
) -> tuple[list[int] | None, bool]:
    """A smaller set than the greedy one, if there is; and whether that is now certain."""
    if len(picks) <= 1:
        return None, True
    if seeds > _EXACT_SEEDS:
        return None, False
    search = _Search(sets, target, len(picks))
    is_certain = search.run()
    return search.found, is_certain


class _TooLongError(Exception):
    pass


class _Search:
    """Branch and bound: the rarest open seed is covered by each of its suppliers in turn, or
    given up while more seeds than the target are left."""

    def __init__(self, sets: Sequence[np.ndarray], target: int, size: int) -> None:
        self.found: list[int] | None = None
        self._size = size
        self._target = target
        self._steps = len(sets)
        self._masks = {
            index: sum(1 << int(seed) for seed in each) for index, each in enumerate(sets)
        }
        self._holders: dict[int, list[int]] = {}
        self._spare = 0

    def run(self) -> bool:
        """False when it was given up; `found` is then the best so far."""
        try:
            self._drop_dominated()
            self._note_holders()
            self._spare = len(self._holders) - self._target
            self._go(0, 0, ())
        except _TooLongError:
            return False
        return True

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _EXACT_STEPS:
            raise _TooLongError

    def _drop_dominated(self) -> None:
        """A supplier all of whose seeds another one has is never needed."""
        kept: dict[int, int] = {}
        for index, mask in sorted(self._masks.items(), key=lambda each: -each[1].bit_count()):
            self._count(len(kept))
            if all(mask & ~other for other in kept.values()):
                kept[index] = mask
        self._masks = kept

    def _note_holders(self) -> None:
        holders: dict[int, list[int]] = {}
        for index, mask in self._masks.items():
            while mask:
                seed = mask & -mask
                holders.setdefault(seed, []).append(index)
                mask ^= seed
        self._holders = dict(sorted(holders.items(), key=lambda each: len(each[1])))

    def _go(self, covered: int, given_up: int, picked: tuple[int, ...]) -> None:
        missing = self._target - covered.bit_count()
        if missing <= 0:
            self.found, self._size = list(picked), len(picked)
            return
        room = self._size - 1 - len(picked)
        gains = {index: (mask & ~covered).bit_count() for index, mask in self._masks.items()}
        self._count(len(gains))
        if sum(heapq.nlargest(room, gains.values())) < missing:
            return
        seed = next((one for one in self._holders if not one & (covered | given_up)), 0)
        for index in sorted(self._holders.get(seed, ()), key=lambda each: -gains[each]):
            self._go(covered | self._masks[index], given_up, (*picked, index))
        if seed and (given_up & ~covered).bit_count() < self._spare:
            self._go(covered, given_up | seed, picked)
