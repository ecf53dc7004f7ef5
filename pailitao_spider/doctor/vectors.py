"""Signatures against known results: those that come with this project, or a file's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from pailitao_spider.doctor.findings import Finding, right, wrong
from pailitao_spider.errors import UNDECODABLE, SourceError
from pailitao_spider.gateways.signing import SIGNERS, sign, sign_path

__all__ = ["Vector", "mismatches", "own_vectors", "read_vectors", "self_test"]

_SHOWN_DIGITS = 8  # tells signatures apart, and signs nothing


class Vector(msgspec.Struct, frozen=True):
    """One call and its known signature. `path` is signed by aop alone, from `param2` on."""

    dialect: Literal["router", "aop"]
    params: dict[str, str]
    secret: str
    expected: str
    sign_method: str = "md5"
    path: str = ""
    origin: str = ""

    def signature(self) -> str:
        return _SIGNATURES[self.dialect](self)


_SIGNATURES: dict[str, Callable[[Vector], str]] = {
    "router": lambda vector: sign(vector.params, vector.secret, vector.sign_method),
    "aop": lambda vector: sign_path(vector.path, vector.params, vector.secret),
}


def own_vectors() -> list[Vector]:
    """The known results that come with the dialects."""
    known = files("pailitao_spider.gateways") / "signatures.json"
    return _decoded(known.read_bytes(), "signatures.json")


def read_vectors(path: Path) -> list[Vector]:
    """Raises SourceError, one line, for what is no list of known signatures."""
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        raise SourceError(f"--vectors {path}: cannot be read ({why}); check the path") from error
    return _decoded(raw, f"--vectors {path}")


def _decoded(raw: bytes, place: str) -> list[Vector]:
    try:
        found = msgspec.json.decode(raw, type=list[Vector])
    except UNDECODABLE as error:
        raise SourceError(f"{place}: no list of known signatures: {error}") from error
    if not found:
        raise SourceError(f"{place}: the list is empty; give one object a signature")
    for number, vector in enumerate(found, start=1):
        if vector.sign_method not in SIGNERS:
            raise SourceError(
                f"{place}: number {number}: no sign_method {vector.sign_method[:40]!r}; "
                f"known: {', '.join(SIGNERS)}"
            )
    return found


def mismatches(vectors: Sequence[Vector]) -> list[str]:
    """What came out otherwise, a line each, without any whole signature."""
    lines = []
    for number, vector in enumerate(vectors, start=1):
        got, expected = vector.signature(), vector.expected.strip().upper()
        if got != expected:
            how = vector.sign_method if vector.dialect == "router" else "hmac-sha1"
            lines.append(
                f"number {number} ({vector.dialect}, {how}): begins with {got[:_SHOWN_DIGITS]}, "
                f"and should with {expected[:_SHOWN_DIGITS]}"
            )
    return lines


def self_test() -> Finding:
    """This machine signs as the gateways do."""
    vectors = own_vectors()
    if wrongs := mismatches(vectors):
        return wrong("signatures", "; ".join(wrongs), "reinstall pailitao-spider")
    return right("signatures", f"all {len(vectors)} known results are met")
