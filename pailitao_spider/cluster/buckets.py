"""Offer ids as small integers in many small sets, the form in which Redis keeps them smallest.

An id below 2**48 is mixed by an odd multiplier, which loses nothing, and cut in two: 16 bits name
the bucket, 32 bits are the member. However ids cluster, buckets fill evenly, and up to 33 million
ids each stays below the 512 members that Redis keeps as a packed array (`set-max-intset-entries`).
"""

from __future__ import annotations

__all__ = ["bucket_of"]

_BITS = 48
_MEMBER_BITS = 32
_MIXER = 0x9E3779B97F4B  # 2**48 over the golden ratio, made odd: Knuth's multiplicative hashing
_MASK = (1 << _BITS) - 1
_MEMBER_MASK = (1 << _MEMBER_BITS) - 1
_ODD_IDS = "x"


def bucket_of(num_iid: str) -> tuple[str, str | int]:
    """The bucket and the member that stand for an offer id, exactly."""
    number = int(num_iid) if num_iid.isascii() and num_iid.isdecimal() else -1
    if not 0 <= number <= _MASK or str(number) != num_iid:
        return _ODD_IDS, num_iid
    mixed = number * _MIXER & _MASK
    return str(mixed >> _MEMBER_BITS), (mixed & _MEMBER_MASK) - (1 << _MEMBER_BITS - 1)
