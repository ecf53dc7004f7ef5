"""What the keys' gateways can be asked, held against what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.credentials import KeyConfig, keys_of
from pailitao_spider.config.setting_table import Config
from pailitao_spider.errors import ConfigError
from pailitao_spider.gateways.capabilities import known_by, silent_on, those_that
from pailitao_spider.gateways.registry import dialect
from pailitao_spider.pictures import PictureLimits

__all__ = ["check_abilities", "unanswered", "upload_limits"]

# Where no gateway takes any, the worker that has the seed says so.
_ANY_PICTURE = PictureLimits(2_000_000, 2000, frozenset({"JPEG", "PNG"}))


def check_abilities(keys: Iterable[KeyConfig], asked: Arguments, given: Mapping[str, Any]) -> None:
    """What was typed must be possible at every key's gateway. Raises ConfigError."""
    _check_folder(keys, asked)
    for key in keys:
        limits, name = dialect(key.gateway).limits, key.gateway.partition("?")[0]
        if asked.search_type not in limits.search_types:
            able = those_that(lambda each: asked.search_type in each.search_types)
            raise ConfigError(
                f"-a search_type={asked.search_type}: {name} searches only the same item; "
                f"{able} knows both"
            )
        if "sort" in given and asked.sort not in limits.sorts:
            able = those_that(lambda each: asked.sort in each.sorts)
            raise ConfigError(f"-a sort={asked.sort}: {name} cannot be asked to sort; {able} can")
        if asked.regions == "all" and not limits.regions:
            able = those_that(lambda each: each.regions)
            raise ConfigError(f"-a regions=all: {name} knows no regions of a photo; {able} does")


_TOLD_BY = {"min_similarity": "similarity", "dropship_only": "one_stop_service"}
_CURES = {"min_similarity": "`pailitao similarity` compares the pictures afterwards"}


def unanswered(keys: Iterable[KeyConfig], asked: Arguments) -> Iterator[str]:
    """Filters that some of the gateways tell nothing about, a line each."""
    names = {key.gateway.partition("?")[0] for key in keys}
    for argument, field in _TOLD_BY.items():
        if not getattr(asked, argument) or not (silent := silent_on(field, names)):
            continue
        kept = "kept" if asked.unknown == "keep" else "dropped"
        cure = _CURES.get(argument, f"{known_by(field)} can")
        yield (
            f"-a {argument}: {', '.join(silent)} does not tell it, all offers are {kept} "
            f"(-a unknown={asked.unknown}); {cure}"
        )


def upload_limits(config: Config) -> PictureLimits:
    """The largest pictures that any of the keys' gateways takes."""
    keys = keys_of(replace(config, sandbox=config.sandbox or "1"))
    limits = [dialect(key.gateway).limits.picture for key in keys]
    known = [each for each in limits if each is not None]
    return max(known, key=lambda each: each.bytes, default=_ANY_PICTURE)


def _check_folder(keys: Iterable[KeyConfig], asked: Arguments) -> None:
    """Every picture of a folder would be refused for the same reason."""
    if asked.seeds is None or not Path(asked.seeds).is_dir():
        return
    if all(dialect(key.gateway).limits.picture is None for key in keys):
        names = ", ".join(sorted({key.gateway.partition("?")[0] for key in keys}))
        able = those_that(lambda each: each.picture is not None)
        raise ConfigError(
            f"-a seeds={asked.seeds}: {names} takes pictures by URL only; {able} take uploads"
        )
