"""What can go wrong, as one tree.

PailitaoError
├── ConfigError          a setting or spider argument: nothing was sent
├── SourceError          the seed source as a whole cannot be read
├── BadSeedError         one seed cannot be searched; the others go on
│   └── PictureError     its picture cannot be opened, is refused, or is too large
├── FieldError           one field of a row cannot be read
├── AnswerError          an answer's bytes are no answer
├── RefusedError         the gateway said no, or nothing usable, to the end
└── ResultsError         results cannot be written or read back
"""

from __future__ import annotations

import msgspec

__all__ = [
    "UNDECODABLE",
    "AnswerError",
    "BadSeedError",
    "ConfigError",
    "FieldError",
    "PailitaoError",
    "PictureError",
    "RefusedError",
    "ResultsError",
    "SourceError",
]

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder of msgspec raises for bytes that it cannot read: no JSON or MessagePack, another
shape, no UTF-8, a thousand levels of nesting.
"""


class PailitaoError(Exception):
    """The root of this project's errors; its text is one line for a person."""


class ConfigError(PailitaoError):
    """A setting or spider argument that cannot be used: name, value and remedy."""


class SourceError(PailitaoError):
    """A seed source that does not exist, is empty, or is of no known kind."""


class BadSeedError(PailitaoError):
    """One seed that cannot be searched.

    `code` is a short stable word for scripts, the text says what and where.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def reason(self) -> str:
        """What the ledger says: `code: text`."""
        return f"{self.code}: {self}"


class PictureError(BadSeedError):
    """A picture that cannot be opened, or is beyond the limits."""


class FieldError(PailitaoError):
    """A field's raw value has none of the known forms."""


class AnswerError(PailitaoError):
    """Bytes that are no answer of the gateway: HTML, a cut body, another shape."""


class RefusedError(PailitaoError):
    """A call that was given up. `reason` starts with the refusal's class."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ResultsError(PailitaoError):
    """A result file that cannot be written, read back or gone on with."""
