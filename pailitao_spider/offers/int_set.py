"""An exact set of strings that takes few bytes for those that are numbers.

A number is cut in two, which loses nothing: its remainder by a prime names the bucket, its quotient
is kept there in four bytes, in order. By a prime, ids that share an ending spread evenly as well.
"""

from __future__ import annotations

from array import array
from bisect import bisect
from sys import getsizeof

__all__ = ["NumberSet"]

_FEW = 65_536
_DIGITS = 14
_BUCKETS = 32_749  # a prime above 10**14 / 2**32: every quotient fits four bytes


class NumberSet:
    """A set of strings, told apart character by character: "12" is neither "012" nor "１２".

    The first `few` strings are a plain set, about 100 bytes each for an id of 12 digits. From then
    on a number (1 to 14 ASCII digits, no leading zero) takes 10 bytes when there are a million, 6
    when there are ten, and nothing is ever copied as a whole. Any other string stays in the plain
    set: the string itself (about 60 bytes and 1 for each ASCII character, 85 and 2 to 4 with
    others), and for its place 27 to 53 bytes, 80 while the set doubles.
    """

    def __init__(self, few: int = _FEW) -> None:
        self._limit = few
        self._texts: set[str] = set()
        self._buckets: list[array[int]] = []

    @property
    def nbytes(self) -> int:
        """Bytes held, those of the strings included."""
        texts = getsizeof(self._texts) + sum(map(getsizeof, self._texts))
        return texts + getsizeof(self._buckets) + sum(map(getsizeof, self._buckets))

    def add(self, key: str) -> bool:
        """True when the key is new."""
        if self._buckets and _is_number(key):
            return self._add_number(int(key))
        before = len(self._texts)
        self._texts.add(key)
        if len(self._texts) == before:
            return False
        if not self._buckets and before + 1 >= self._limit:
            self._move_numbers()
        return True

    def _add_number(self, number: int) -> bool:
        quotient, remainder = divmod(number, _BUCKETS)
        bucket = self._buckets[remainder]
        place = bisect(bucket, quotient)
        if place and bucket[place - 1] == quotient:
            return False
        bucket.insert(place, quotient)
        return True

    def _move_numbers(self) -> None:
        """The plain set is full: its numbers go to the buckets, unless it has none."""
        numbers = array("Q", (int(key) for key in self._texts if _is_number(key)))
        self._limit *= 2
        if not numbers:
            return
        self._texts = {key for key in self._texts if not _is_number(key)}
        self._buckets = [array("I") for _ in range(_BUCKETS)]
        for number in numbers:
            self._add_number(number)


def _is_number(key: str) -> bool:
    """The key is the only way to write its number, and the number is one for the buckets."""
    return key.isdecimal() and key.isascii() and key >= "1" and len(key) <= _DIGITS
