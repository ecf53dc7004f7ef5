"""The command line in Chinese and English: one catalogue, whole, and compiled as it stands."""

from __future__ import annotations

import io
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pailitao_spider.cli.words import CATALOGUE, language, tr
from tests.catalogue import messages

FOLDER = CATALOGUE / "zh_CN" / "LC_MESSAGES"


def catalogue() -> Catalog:
    with (FOLDER / "pailitao.po").open("rb") as stream:
        return read_po(stream, locale="zh_CN", domain="pailitao")


def translated() -> dict[str, str]:
    return {str(each.id): str(each.string) for each in catalogue() if each.id}


def test_every_text_is_said_in_chinese_and_no_other() -> None:
    assert set(translated()) == messages()
    assert [text for text, said in translated().items() if not said.strip()] == []


def test_a_translation_has_the_facts_of_its_text() -> None:
    def facts(text: str) -> list[str]:
        return sorted(str(name) for _, name, _, _ in string.Formatter().parse(text) if name)

    assert {text for text, said in translated().items() if facts(text) != facts(said)} == set()


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    made = io.BytesIO()
    write_mo(made, catalogue())
    assert (FOLDER / "pailitao.mo").read_bytes() == made.getvalue(), "compile it: pybabel compile"


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "PAILITAO_LANG": "en"}, "en"),
        ({"LANG": "en_GB.UTF-8", "PAILITAO_LANG": "zh"}, "zh_CN"),
        ({"LC_ALL": "de_DE", "LANG": "zh_CN"}, "en"),
    ],
)
def test_the_language_is_that_of_the_setting_or_the_locale(
    environ: dict[str, str], code: str
) -> None:
    assert language(environ) == code


def test_facts_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAILITAO_LANG", "zh")
    assert tr("there is no command {word}", word="serach") == "没有 serach 这个命令"
    monkeypatch.setenv("PAILITAO_LANG", "en")
    assert tr("there is no command {word}", word="serach") == "there is no command serach"


def test_the_file_of_settings_may_say_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from scrapy.settings import Settings

    from pailitao_spider.config.settings_files import apply_files

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAILITAO_LANG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("pailitao.toml").write_text('lang = "zh"\n')
    apply_files(Settings(), os.environ)
    assert language() == "zh_CN"
