"""`pailitao init`: asks for a key, and keeps it where every run finds it."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from pailitao_spider.cli.words import tr
from pailitao_spider.config.settings_files import HERE, read_file_settings, user_file
from pailitao_spider.errors import ConfigError, PailitaoError, ResultsError
from pailitao_spider.gateways.registry import DIALECTS, dialect
from pailitao_spider.storage.atomic_file import replacing

__all__ = ["SUMMARY", "add_options", "run"]

SUMMARY = "asks for a key, and keeps it in a file that only you can read"

WHERE = {
    "router": "key and secret of your app at open.1688.com, with 1688.item_search_img opened",
    "imagequery": "key and secret of your app at open.1688.com, with "
    "product.search.imageQuery and product.image.upload opened",
    "linkplus": "key and secret of your app at open.1688.com, with "
    "alibaba.cross.similar.offer.search opened",
    "onebound": "key and secret of your account at open.onebound.cn",
    "tmapi": "the apiToken of your account at tmapi.top",
}
NAMES = {
    "app_key": "app key", "app_secret": "app secret", "access_token": "access token (apiToken)",
}  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gateway", help=tr("whose key it is; asked for if not said"))
    parser.add_argument("--here", action="store_true",
                        help=tr("write ./pailitao.toml, for this folder alone"))  # fmt: skip
    parser.add_argument("--replace", action="store_true", help=tr("replace the file that is there"))


def run(options: argparse.Namespace) -> int:
    """Exits with 0 when it is written, 2 for a mistake, 130 when it was left."""
    path = HERE if options.here else user_file()
    try:
        _check_free(path, replaces=options.replace)
        gateway = _gateway(options.gateway)
        sys.stdout.write(f"{tr(WHERE.get(gateway, ''))}\n")
        values = {name: _value(name) for name in dialect(gateway).needs}
        _write(path, {"gateway": gateway, **values})
        read_file_settings(path)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write(f"\n{tr('nothing was written')}\n")
        return 130
    except PailitaoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{_next(path, gateway)}\n")
    return 0


def _check_free(path: Path, *, replaces: bool) -> None:
    if path.exists() and not replaces:
        raise ConfigError(tr("{path} is there already; edit it, or give --replace", path=path))


def _gateway(given: str | None) -> str:
    """Raises ConfigError."""
    if given is None:
        sys.stdout.write(f"{tr('Whose key is it?')}\n")
        for number, name in enumerate(DIALECTS, 1):
            sys.stdout.write(f"  {number}  {name:<11}{tr(WHERE[name])}\n")
        given = input(tr("number or name: ")).strip()
    if given.isdecimal() and 0 < int(given) <= len(DIALECTS):
        return list(DIALECTS)[int(given) - 1]
    dialect(given)
    return given


def _value(name: str) -> str:
    """What is typed is not shown. Raises ConfigError for what was pasted from an example."""
    question = f"{tr(NAMES[name])}: "
    is_hidden = sys.stdin.isatty() and name != "app_key"
    typed = (getpass.getpass(question) if is_hidden else input(question)).strip()
    if not typed or not typed.isascii() or not typed.isprintable() or "..." in typed:
        raise ConfigError(tr("that is no {name}: letters and digits are wanted, as the gateway's "
                             "console shows them", name=tr(NAMES[name])))  # fmt: skip
    return typed


def _write(path: Path, values: dict[str, str]) -> None:
    lines = (f'{name} = "{_escaped(value)}"\n' for name, value in values.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path, is_private=True, sweeps=True) as file:
            file.write("".join(lines).encode())
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror or error}") from error


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _next(path: Path, gateway: str) -> str:
    login = dialect(gateway).token_url is not None and "access_token" not in dialect(gateway).needs
    steps = ["pailitao login"] if login else []
    steps += ["pailitao doctor", "pailitao search photos/"]
    return tr("written: {path}, which only you can read\nnext:    {steps}",
              path=path, steps="; ".join(steps))  # fmt: skip
