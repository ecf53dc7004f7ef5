"""Lines of the intake that were read, as what the next exchange says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pailitao_spider.cluster.seed_codec import (
    IntakeSeed,
    NoSeedError,
    digest_of,
    read_line,
    written_payload,
)
from pailitao_spider.cluster.worker.messages import Admit, Refusal
from pailitao_spider.offers.values import cleaned
from pailitao_spider.seeds.ids import id_apart

__all__ = ["ReadLines"]

_SHOWN_BYTES = 200


@dataclass(slots=True)
class ReadLines:
    """Raw lines with the seeds in them, or the reason why they are none."""

    raw: list[bytes] = field(default_factory=list)
    admits: list[Admit] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @classmethod
    def of(cls, raw: Sequence[bytes]) -> ReadLines:
        """The seeds stay in Redis until the exchange takes them out: this only reads."""
        lines = cls(list(raw))
        for number, line in enumerate(raw):
            lines._read(number, line)
        return lines

    def _read(self, number: int, line: bytes) -> None:
        try:
            self.admits.append(_admit(number, read_line(line)))
        except NoSeedError as error:
            shown = cleaned(line[:_SHOWN_BYTES].decode("utf-8", "replace"))
            self.refusals.append(Refusal(number, str(error), shown))


def _admit(number: int, found: IntakeSeed) -> Admit:
    return Admit(
        number,
        found.seed.seed_id,
        id_apart(found.seed.seed_id, found.seed.image.label),
        digest_of(found),
        written_payload(found),
        found.sha256,
        found.bad,
        found.pages,
    )
