"""`pailitao`: any folder, files of settings, an estimate, a key that is asked for."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import shtab
from PIL import Image
from scrapy.settings import Settings

from pailitao_spider.cli import estimating
from pailitao_spider.cli.completion import whole_parser
from pailitao_spider.cli.main import main
from pailitao_spider.cli.search import ARGUMENTS, crawl_line, search_parser
from pailitao_spider.cli.verbs import VERBS
from pailitao_spider.config.arguments import Arguments
from pailitao_spider.config.credentials import keys_of
from pailitao_spider.config.setting_table import Config
from pailitao_spider.config.settings_files import apply_files, user_file
from pailitao_spider.errors import ConfigError
from pailitao_spider.seeds.sources import open_source

REPOSITORY = Path(__file__).parent.parent
PHOTOS = REPOSITORY / "examples" / "photos"


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and an empty home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PAILITAO_LANG", "en")
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "pailitao_spider.settings")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def exit_code(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    code = ended.value.code
    assert isinstance(code, int)
    return code


def pailitao(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "pailitao_spider", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(REPOSITORY), "PAILITAO_LANG": "en", **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


# --- search ------------------------------------------------------------------------------


def test_it_searches_in_a_folder_that_is_no_project(empty_home: Path) -> None:
    done = pailitao(
        empty_home, "search", str(PHOTOS / "mug-01.jpg"), "--max-pages", "1",
        PAILITAO_SANDBOX="1", PAILITAO_RATE="50",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = (empty_home / "offers.jsonl").read_text().splitlines()
    assert {json.loads(line)["seed_id"] for line in lines} == {"mug-01.jpg"}
    again = pailitao(
        empty_home, "search", str(PHOTOS / "mug-01.jpg"), PAILITAO_SANDBOX="1", PAILITAO_RATE="50"
    )
    assert "1 seeds were done before" in again.stderr
    assert (empty_home / "offers.jsonl").read_text().splitlines() == lines


def typed(line: str) -> list[str]:
    return crawl_line(search_parser().parse_args(line.split()))


LINES = {
    "photos/": "-a seeds=photos/ -o offers.jsonl",
    "photos/ -O a.csv -o b.jsonl": "-a seeds=photos/ -O a.csv -o b.jsonl",
    "l.xlsx --sheet 2 --max-pages 3": "-a seeds=l.xlsx -a sheet=2 -a max_pages=3 -o offers.jsonl",
    "- -a sort=price_asc -s A=1 -L DEBUG": (
        "-a sort=price_asc -a seeds=- -s A=1 -o offers.jsonl --loglevel DEBUG"
    ),
    "-s PAILITAO_CLUSTER=1 --until-empty 1": "-a until_empty=1 -s PAILITAO_CLUSTER=1",
}


@pytest.mark.parametrize(("line", "meant"), LINES.items())
def test_search_is_a_crawl_with_the_packages_settings(line: str, meant: str) -> None:
    assert typed(line) == ["scrapy", "crawl", "pailitao", *meant.split()]


def test_every_argument_is_an_option_with_a_word_of_help() -> None:
    assert {each.name for each in fields(Arguments)} == {*ARGUMENTS, "seeds"}


MISTAKES = {
    "search": "give a SOURCE",
    "search a.jpg b.jpg": "'b.jpg' is one more",
    "search a.jpg --max-page 2": "did you mean --max-pages?",
    "serach a.jpg": "did you mean search?",
    "xyzzy": "there is no command xyzzy",
}


@pytest.mark.parametrize(("line", "told"), MISTAKES.items())
def test_a_mistake_is_one_line(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(*line.split()) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_help_names_every_command_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    said = capsys.readouterr().out
    assert all(f"\n  {verb} " in said for verb in ("search", *VERBS))
    assert said.count("# ") == 3


def test_a_verb_shows_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("find", "--help") == 0
    assert "--max-price" in capsys.readouterr().out


def test_every_command_is_completed() -> None:
    script = shtab.complete(whole_parser(), "bash")
    assert all(verb in script for verb in ("search", *VERBS))


# --- an estimate -------------------------------------------------------------------------


def picture(path: Path, colour: str) -> None:
    Image.new("RGB", (40, 40), colour).save(path)


def test_an_estimate_counts_what_would_be_asked_for(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(Path("a.jpg"), "red")
    picture(Path("b.jpg"), "red")
    picture(Path("c.jpg"), "blue")
    lines = ["a.jpg", "b.jpg", "c.jpg", "gone.jpg", "https://cbu01.alicdn.com/x.jpg"]
    Path("list.txt").write_text("\n".join(lines))
    settings = ["PAILITAO_PRICE=0.05", "PAILITAO_DAILY_CALLS=4", "PAILITAO_GATEWAY=onebound"]
    options = [word for each in settings for word in ("-s", each)]
    assert exit_code("search", "list.txt", "--dry-run", "--max-pages", "2", *options) == 1
    said = capsys.readouterr().out
    for told in (
        "5, of them 1 doubles, 1 that cannot be read",
        "list.txt:4: no such file: gone.jpg",
        "3 pictures, 2 of them uploaded",
        "5 at least, 8 at most",
        "0.25 – 0.40",
        "2, at 4 calls a day",
        "Nothing was sent.",
    ):
        assert told in said
    assert not Path("offers.jsonl").exists()


def test_an_estimate_skips_what_the_ledger_calls_done(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "b.jpg"):
        picture(Path(name), "red" if name == "a.jpg" else "blue")
    Path("list.txt").write_text("a.jpg\nb.jpg\n")
    ledger({"seed_id": "a.jpg", "image": "a.jpg", "status": "done"})
    assert exit_code("search", "list.txt", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "1 were searched before" in said
    assert "1 pictures, 0 of them uploaded" in said
    assert exit_code("search", "list.txt", "--dry-run", "-O", "offers.jsonl") == 0
    assert "2 pictures, 0 of them uploaded" in capsys.readouterr().out


def test_without_limits_an_estimate_promises_no_most(capsys: pytest.CaptureFixture[str]) -> None:
    picture(Path("a.jpg"), "red")
    assert estimating.run({"seeds": "a.jpg"}, []) == 0
    said = capsys.readouterr().out
    assert "at least 1" in said, "the picture goes into the search itself"
    assert estimating.run({"seeds": "a.jpg"}, ["PAILITAO_GATEWAY=router?upload=yes"]) == 0
    assert "at least 2" in capsys.readouterr().out
    assert "unknown: set price" in said


def test_a_picture_that_no_gateway_takes_is_refused_in_the_estimate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture(Path("a.jpg"), "red")
    Path("l.txt").write_text("a.jpg\n")
    assert estimating.run({"seeds": "l.txt"}, ["PAILITAO_GATEWAY=linkplus"]) == 1
    assert "1 pictures that linkplus does not take" in capsys.readouterr().out


# --- files of settings ---------------------------------------------------------------------

KEY = 'app_key = "{0}"\napp_secret = "s-{0}"\n'


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def read(environ: dict[str, str] | None = None, **given: str) -> tuple[Config, list[str]]:
    settings = Settings({f"PAILITAO_{name.upper()}": value for name, value in given.items()})
    told = apply_files(settings, environ or {})
    return Config.read(settings, environ or {}, needs_key=False), told


def test_what_is_typed_stands_above_the_environment_the_folder_and_the_user() -> None:
    write(user_file(), KEY.format("mine") + "rate = 1\nburst = 1\nprice = 0.05\nmatches = true\n")
    write(Path("pailitao.toml"), "rate = 2\nburst = 2\ndaily_calls = 2\n")
    config, told = read({"PAILITAO_RATE": "3", "PAILITAO_BURST": "3"}, rate="4")
    assert (config.rate, config.burst, config.daily_calls) == (4, 3, 2)
    assert (str(config.price), config.matches, config.app_key) == ("0.05", True, "mine")
    assert told == []


ELSEWHERE = {
    "an address": 'url = "https://evil.example/"\n',
    "an address for tokens": 'token_url = "https://evil.example/"\n',
    "a gateway described in a file": 'gateway = "./evil.toml"\n',
    "a gateway that is code": 'gateway = "evil:Dialect"\n',
    "a Redis": 'redis_url = "redis://evil.example"\n',
}


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("at", ["the user's file", "the environment", "the user's keys"])
def test_a_file_in_a_folder_cannot_send_the_users_key_elsewhere(name: str, at: str) -> None:
    environ = {}
    if at == "the environment":
        environ = {"PAILITAO_APP_KEY": "mine", "PAILITAO_APP_SECRET": "secret"}
    else:
        head = "[[key]]\n" if at == "the user's keys" else ""
        write(user_file(), head + KEY.format("mine"))
    write(Path("pailitao.toml"), ELSEWHERE[name])
    config, told = read(environ)
    assert "only beside the key" in told[0]
    (key,) = keys_of(config)
    assert (key.app_key, key.url, key.token_url, key.gateway) == ("mine", None, None, "router")


def test_an_address_beside_its_key_counts() -> None:
    write(user_file(), KEY.format("mine"))
    write(Path("pailitao.toml"), KEY.format("theirs") + 'url = "https://gw.example/"\n')
    config, told = read()
    (key,) = keys_of(config)
    assert (key.app_key, key.app_secret) == ("theirs", "s-theirs")
    assert (key.url, told) == ("https://gw.example/", [])


def test_keys_of_the_settings_file_are_taken_as_those_of_a_key_file() -> None:
    tables = "".join(f'[[key]]\ngateway = "{each}"\n' + KEY.format(each)
                     for each in ("router", "onebound"))  # fmt: skip
    write(Path("pailitao.toml"), f"rate = 5\n{tables}")
    config, _ = read()
    assert [(key.name, key.rate) for key in keys_of(config)] == [("router", 5), ("onebound", 5)]
    config, _ = read({"PAILITAO_CREDENTIALS": "other.toml"})
    assert config.credentials == "other.toml"


def test_a_file_with_a_key_that_others_can_read_is_pointed_out() -> None:
    write(Path("pailitao.toml"), KEY.format("mine"), 0o644)
    assert read()[1] == ["pailitao.toml: others can read it, and it holds a key; "
                         "chmod 600 pailitao.toml"]  # fmt: skip


BAD_FILES = {
    "raet = 3\n": "did you mean rate?",
    "rate = [1]\n": "must be text",
    'app_secret = "s3cret\n': "no TOML at",
    "key = 3\n": r"\[\[key\]\]",
}


@pytest.mark.parametrize(("text", "told"), BAD_FILES.items())
def test_a_file_that_cannot_be_used_is_one_line(text: str, told: str) -> None:
    write(Path("pailitao.toml"), text)
    with pytest.raises(ConfigError, match=told) as caught:
        read()
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


# --- init ---------------------------------------------------------------------------------


def test_init_keeps_a_key_where_only_the_user_can_read_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("2\n27182818\ns3cret\n"))
    assert exit_code("init") == 0
    assert stat.S_IMODE(user_file().stat().st_mode) == 0o600
    config, told = read()
    assert (config.gateway, config.app_key, config.app_secret, told) == (
        "imagequery", "27182818", "s3cret", [],
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "pailitao login; pailitao doctor" in said
    assert "s3cret" not in said
    monkeypatch.setattr(sys, "stdin", io.StringIO("2\nother\ns3cret\n"))
    assert exit_code("init") == 2
    assert "--replace" in capsys.readouterr().err
    assert exit_code("init", "--replace") == 0
    assert read()[0].app_key == "other"


@pytest.mark.parametrize("pasted", ["…", "...", "", "密钥"])
def test_init_takes_no_placeholder_for_a_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pasted: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{pasted}\ns\n"))
    assert exit_code("init", "--gateway", "onebound", "--here") == 2
    assert "no app key" in capsys.readouterr().err
    assert not Path("pailitao.toml").exists()


# --- failed ---------------------------------------------------------------------------------


def ledger(*lines: dict[str, Any]) -> None:
    Path("offers.seeds.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


FAILED = {
    "seed_id": "x.jpg",
    "image": "photos/x.jpg",
    "status": "failed",
    "reason": "no_such_file: l.csv:2: no such file",
    "seed_extra": {"sku": "007", "n": 2},
}


@pytest.mark.parametrize("ending", ["xlsx", "csv", "jsonl"])
def test_the_seeds_that_failed_are_a_list_to_mend_and_feed_back(ending: str) -> None:
    good = {"seed_id": "a", "image": "a.jpg", "status": "done"}
    mended = {"seed_id": "b", "image": "b.jpg", "status": "failed"}
    ledger(mended, FAILED, good, mended | {"status": "done"})
    assert exit_code("failed", "offers.jsonl", "-O", f"again.{ending}") == 0
    (bad,) = open_source(f"again.{ending}")
    assert (bad.seed_id, bad.code) == ("x.jpg", "no_such_file")  # type: ignore[union-attr]
    Path("photos").mkdir()
    picture(Path("photos/x.jpg"), "red")
    (seed,) = open_source(f"again.{ending}")
    assert seed.seed_id == "x.jpg"
    assert seed.extra["sku"] == "007"
    assert str(seed.extra["n"]) == "2"
    assert seed.extra["failed_because"].startswith("no_such_file")


def test_what_failed_cannot_be_asked_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("failed", "offers.jsonl", "-O", "again.csv") == 2
    ledger(FAILED)
    assert exit_code("failed", "offers.jsonl") == 2
    assert exit_code("failed", "offers.jsonl", "-O", "again.pdf") == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
