"""`scrapy pailitao doctor` on each thing that can be wrong, against a served gateway."""

from __future__ import annotations

import argparse
import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scrapy.settings import Settings

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.config.shown_urls import shown_url
from pailitao_spider.doctor.findings import right, without
from pailitao_spider.doctor.keys import apart
from pailitao_spider.sandbox.accounts import Account
from pailitao_spider.sandbox.catalogue.market import Catalogue
from pailitao_spider.sandbox.faults import parse_fault
from pailitao_spider.sandbox.server import Gateway, Site
from pailitao_spider.verbs import doctor
from tests.crawling import REPOSITORY, Crawler
from tests.scripted_gateway import Answer, refused, scripted
from tests.test_crawl import PHOTOS

CATALOGUE = Catalogue()
CLOSED = "http://127.0.0.1:9"
OPEN_PLATFORM = ("imagequery", "linkplus")
RENEWING = ("router", *OPEN_PLATFORM)
EVERY = (*RENEWING, "onebound", "tmapi")
CANARIES = {
    "secret": "canary-secret-5d1f",
    "access_token": "canary-access-8a2c",
    "refresh_token": "canary-refresh-77e0",
}


@dataclass
class Told:
    """What the doctor said."""

    exit_code: int
    out: str
    err: str

    @property
    def wrongs(self) -> list[str]:
        """The subjects of what is wrong."""
        return self.subjects("wrong")

    def subjects(self, verdict: str) -> list[str]:
        return [line.split()[1] for line in self.out.splitlines() if line.startswith(verdict)]

    def line(self, verdict: str, subject: str) -> str:
        begin = f"{verdict:<7}{subject:<12}"
        found = [line for line in self.out.splitlines() if line.startswith(begin)]
        assert len(found) == 1, self.out
        return found[0]


class Patient:
    """Settings by environment, a home of its own, and the doctor in this process."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.home, self._monkeypatch, self._capsys = home, monkeypatch, capsys
        monkeypatch.setenv("XDG_STATE_HOME", str(home))
        monkeypatch.chdir(home)

    def set(self, **settings: object) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(f"PAILITAO_{name.upper()}", str(value))

    def unset(self, *names: str) -> None:
        for name in names:
            self._monkeypatch.delenv(f"PAILITAO_{name.upper()}")

    def use(self, site: Site, spoken: str = "router") -> None:
        """The settings of a served gateway."""
        account, token_url = site.gateway.account, site.token_url_of(spoken)
        self.set(gateway=spoken, url=site.url_of(spoken), access_token=account.access_token)
        if token_url:
            self.set(token_url=token_url, refresh_token=account.refresh_token)
        if spoken != "tmapi":
            self.set(app_key=account.app_key, app_secret=account.secret)

    def asks(self, **options: Any) -> Told:
        given = {"settings": Settings(options.pop("settings", {})), "seeds": None, "vectors": None}
        exit_code = doctor.run(argparse.Namespace(**{**given, "json": False, **options}))
        said = self._capsys.readouterr()
        return Told(exit_code, said.out, said.err)


@pytest.fixture
def patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Patient:
    return Patient(tmp_path, monkeypatch, capsys)


@pytest.fixture
def serve(serve_sandbox: Callable[..., Site]) -> Callable[..., Site]:
    """Serves a gateway whose account has secrets that are easily found again."""

    def made(*faults: str, has_permission: bool = True, **options: Any) -> Site:
        account = Account(**CANARIES, has_permission=has_permission)
        return serve_sandbox(
            Gateway(CATALOGUE, account, faults=[*map(parse_fault, faults)], **options)
        )

    return made


def leaks(told: Told, *more: str) -> list[str]:
    return [each for each in (*CANARIES.values(), *more) if each in told.out + told.err]


# all is right


@pytest.mark.parametrize("spoken", EVERY)
def test_a_key_that_works_is_right_in_all(
    serve: Callable[..., Site], patient: Patient, spoken: str
) -> None:
    site = serve()
    patient.use(site, spoken)
    patient.set(rate=5)

    told = patient.asks()

    assert told.exit_code == 0, told.out
    assert set(told.subjects("right")) >= {"settings", "signatures", "clock", "permission"}
    assert ("secret" in told.subjects("right")) == (spoken in OPEN_PLATFORM)
    assert "differ by 0 s" in told.line("right", "clock")
    assert f"{spoken} at {site.url_of(spoken)}, 5 calls/s" in told.line("right", "settings")
    assert all(each.billed == 0 for each in site.gateway.log.by_key.values())
    assert not leaks(told)


def test_the_embedded_sandbox_is_examined_without_a_key(patient: Patient) -> None:
    patient.set(sandbox="1", gateway="linkplus")
    told = patient.asks()
    assert told.exit_code == 0, told.out
    assert "right" in told.line("right", "permission")


# one thing is wrong


@dataclass
class Case:
    """What is set or served wrongly, and what is to be found."""

    subject: str
    words: str
    settings: dict[str, str]
    faults: tuple[str, ...] = ()
    has_permission: bool = True


def case(subject: str, words: str, *faults: str, permission: bool = True, **settings: str) -> Case:
    return Case(subject, words, settings, faults, permission)


WRONG_KEY = case("key", "APP_KEY", app_key="nobody")
UNSIGNED_KEY = case("secret", "belongs to PAILITAO_APP_KEY", app_key="nobody")
WRONG_SECRET = case("secret", "PAILITAO_APP_SECRET", app_secret="canary-wrong-9b3d")
NO_PERMISSION = case("permission", "ask for", permission=False)
DEAD = case("token", "login --key", refresh_token="", access_token="canary-old-11aa")
DEAD_TWICE = case("token", "renewal", refresh_token="canary-old-22bb", access_token="canary-x-33cc")
SPENT = case("quota", "used up", "spent")
HTML = case("network", "try again", "html")
RESET = case("network", "hung up without an answer", "reset")
DOWN = case("network", "503", "503")
CLOSED_PORT = case("network", "nothing listens", url=f"{CLOSED}/x")
NO_HOST = case("network", "no host of this name", url="http://nowhere.invalid/x")
NO_TOKEN_URL = case("network", "nothing listens", access_token="x1y2", token_url=f"{CLOSED}/token")
NO_PORT = case("settings", "correct the address", url="http://127.0.0.1:99999/x")
NO_URL = case("settings", "http(s) URL", url="api.1688.com")

BROKEN = [
    *[("router", each) for each in (
        WRONG_KEY, WRONG_SECRET, NO_PERMISSION, DEAD, DEAD_TWICE, SPENT, HTML, RESET, DOWN,
        CLOSED_PORT, NO_HOST, NO_TOKEN_URL, NO_URL, NO_PORT,
    )],
    *[("imagequery", each) for each in (
        UNSIGNED_KEY, WRONG_SECRET, NO_PERMISSION, DEAD, DEAD_TWICE, HTML, DOWN, CLOSED_PORT,
        case("settings", "namespace", gateway="imagequery?namespace=com.nowhere"),
    )],
    *[("linkplus", each) for each in (
        UNSIGNED_KEY, WRONG_SECRET, NO_PERMISSION, DEAD, RESET,
        case("settings", "namespace", gateway="linkplus?namespace=com.nowhere"),
    )],
    *[("onebound", each) for each in (
        WRONG_KEY, SPENT, HTML, CLOSED_PORT,
        case("key", "PAILITAO_APP_SECRET", app_secret="canary-wrong-9b3d"),
        case("permission", "open item_search_img", permission=False),
    )],
    *[("tmapi", each) for each in (
        SPENT, HTML, CLOSED_PORT,
        case("token", "PAILITAO_ACCESS_TOKEN", access_token="canary-old-11aa"),
        case("permission", "open the image search", permission=False),
    )],
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoken", "broken"),
    BROKEN,
    ids=[f"{spoken}-{each.subject}-{each.words}" for spoken, each in BROKEN],
)
def test_what_is_wrong_is_one_line_of_one_kind_and_says_what_to_do(
    serve: Callable[..., Site], patient: Patient, spoken: str, broken: Case
) -> None:
    patient.use(serve(*broken.faults, has_permission=broken.has_permission), spoken)
    patient.set(**broken.settings)

    told = patient.asks()

    assert told.exit_code == 1, told.out
    assert told.wrongs == [broken.subject], told.out
    assert broken.words in told.line("wrong", broken.subject)
    secrets = [text for name, text in broken.settings.items() if "secret" in name or "tok" in name]
    assert not leaks(told, *(each for each in secrets if each and not each.startswith("http")))
    assert not list(patient.home.glob("**/tokens-*"))


@pytest.mark.parametrize(
    ("spoken", "asked"),
    [
        ("router", "onebound"),
        ("router", "tmapi"),
        ("router", "imagequery"),
        ("imagequery", "router"),
        ("linkplus", "onebound"),
        ("onebound", "router"),
        ("tmapi", "onebound"),
        ("onebound", "imagequery"),
    ],
)
def test_the_address_of_another_gateway_is_a_matter_of_settings(
    serve: Callable[..., Site], patient: Patient, spoken: str, asked: str
) -> None:
    site = serve()
    patient.use(site, spoken)
    patient.set(url=site.url_of(asked))

    told = patient.asks()

    assert told.exit_code == 1
    assert told.wrongs == ["settings"], told.out
    assert "PAILITAO_URL" in told.line("wrong", "settings")


def test_a_dialect_of_one_s_own_is_examined_as_the_others_are(
    serve: Callable[..., Site], patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "examples")
    patient.set(gateway="dialect:PictureFinder", access_token="x1y2z3", url=f"{CLOSED}/x")
    told = patient.asks()
    assert told.exit_code == 1
    assert told.wrongs == ["network"], told.out


def test_a_throttled_key_is_right(serve: Callable[..., Site], patient: Patient) -> None:
    patient.use(serve("429"))
    told = patient.asks()
    assert told.exit_code == 0
    assert "right, but throttled" in told.line("note", "quota")


def test_a_missing_key_is_told_without_asking_anybody(patient: Patient) -> None:
    told = patient.asks()
    assert told.exit_code == 1
    assert "PAILITAO_APP_KEY" in told.line("wrong", "settings")


def test_each_key_of_a_file_is_examined_and_corrected_there(
    serve: Callable[..., Site], patient: Patient
) -> None:
    site = serve()
    url = site.url_of("router")
    good = f'app_secret = "{CANARIES["secret"]}"\naccess_token = "{CANARIES["access_token"]}"'
    (patient.home / "keys.toml").write_text(
        f'[[key]]\nname = "one"\nurl = "{url}"\napp_key = "sandbox"\n{good}\n'
        f'[[key]]\nname = "two"\ngateway = "imagequery"\nurl = "{site.url_of("imagequery")}"\n'
        f'app_key = "sandbox"\napp_secret = "canary-bad"\n'
    )
    patient.set(credentials="keys.toml")

    told = patient.asks()

    assert told.exit_code == 1
    assert "key one: searches are let through" in told.line("right", "permission")
    line = told.line("wrong", "secret")
    assert "key two:" in line
    assert "check app_secret in keys.toml" in line
    assert not leaks(told, "canary-bad")


# the line


@contextmanager
def answering(raw: bytes) -> Iterator[int]:
    """A port where every call gets these bytes, and the line is closed."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(raw)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 40\r\n\r\n"
LOGIN_PAGE = b"<html>log in to this hotel's net</html>\n"


@pytest.mark.parametrize(
    ("scheme", "raw", "words"),
    [
        ("http", HEAD + b'{"error_resp', "cut off"),
        ("http", HEAD + LOGIN_PAGE, "no JSON"),
        ("http", b"SSH-2.0-OpenSSH\r\n", "no HTTP"),
        ("http", b"", "hung up without an answer"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS"),
    ],
)
def test_answers_that_are_none_are_a_matter_of_the_network(
    patient: Patient, scheme: str, raw: bytes, words: str
) -> None:
    patient.set(app_key="k", app_secret="canary-secret-5d1f", access_token="canary-access-8a2c")
    with answering(raw) as port:
        patient.set(url=f"{scheme}://127.0.0.1:{port}/router/rest")
        told = patient.asks()
    assert told.exit_code == 1
    assert told.wrongs == ["network"], told.out
    assert words in told.line("wrong", "network")
    assert not leaks(told)


def test_a_gateway_that_hangs_is_a_matter_of_the_network(
    serve: Callable[..., Site], patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pailitao_spider.doctor.wire._TIMEOUT_SECONDS", 0.2)
    patient.use(serve("hang"))
    told = patient.asks()
    assert told.wrongs == ["network"]
    assert "no answer within" in told.line("wrong", "network")


# the clock


@pytest.mark.parametrize("spoken", ["router", "imagequery", "onebound"])
@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (-30, "right", "differ by 30 s"),
        (100, "note", "100 s behind the gateway"),
        (-400, "wrong", "400 s ahead of the gateway"),
    ],
)
def test_the_clock_is_compared_with_the_gateway_s(
    serve_sandbox: Callable[..., Site],
    patient: Patient,
    spoken: str,
    ahead: float,
    verdict: str,
    words: str,
) -> None:
    patient.use(serve_sandbox(clock_ahead_seconds=ahead), spoken)

    told = patient.asks()

    assert told.exit_code == (verdict == "wrong")
    assert told.wrongs == ["clock"] * (verdict == "wrong")
    line = told.line(verdict, "clock")
    near = {words, words.replace("100", "99"), words.replace("400", "399")}
    assert any(each in line for each in {*near, words.replace("30", "29")}), line


def test_a_clock_that_the_gateway_refuses_is_told_once(
    serve_sandbox: Callable[..., Site], patient: Patient
) -> None:
    patient.use(serve_sandbox(clock_ahead_seconds=4000))
    told = patient.asks()
    assert told.exit_code == 1
    assert told.wrongs == ["clock"], told.out
    assert "set this machine's clock" in told.line("wrong", "clock")


def test_a_minute_is_right_and_five_are_not_wrong_yet() -> None:
    verdicts = [apart(seconds).verdict for seconds in (0, -60, 61, -300, 301)]
    assert verdicts == ["right", "right", "note", "note", "wrong"]


# tokens


@pytest.mark.parametrize("spoken", RENEWING)
def test_a_dead_token_is_renewed_and_kept_for_the_next_crawl(
    serve: Callable[..., Site], patient: Patient, spoken: str
) -> None:
    site = serve()
    patient.use(site, spoken)
    site.gateway.account.revoke()

    told = patient.asks()

    account = site.gateway.account
    assert told.exit_code == 0, told.out
    assert "has been renewed" in told.line("right", "token")
    assert "let through" in told.line("right", "permission")
    assert not leaks(told, account.access_token, account.refresh_token)
    kept = json.loads(next(patient.home.glob("*/tokens-*.json")).read_bytes())
    assert (kept["access"], kept["refresh"]) == (account.access_token, account.refresh_token)
    again = patient.asks()
    assert again.exit_code == 0
    assert again.subjects("right").count("token") == 0


def test_tokens_that_cannot_be_kept_are_told(serve: Callable[..., Site], patient: Patient) -> None:
    site = serve()
    patient.use(site)
    site.gateway.account.revoke()
    (patient.home / "pailitao_spider").write_text("a file, and no folder")

    told = patient.asks()

    assert told.exit_code == 1
    assert set(told.wrongs) == {"settings"}
    assert "cannot be kept" in told.out
    assert not leaks(told)


# names, seeds, vectors


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PAILITAO_APPKEY", "write PAILITAO_APP_KEY"),
        ("PAILITAO_ACESS_TOKEN", "write PAILITAO_ACCESS_TOKEN"),
        ("PALITAO_APP_SECRET", "write PAILITAO_APP_SECRET"),
        ("PAILITAO_WEATHER", "see docs/reference.md"),
    ],
)
@pytest.mark.parametrize("place", ["setting", "environment variable"])
def test_a_misspelt_name_is_noted(
    serve: Callable[..., Site],
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    words: str,
    place: str,
) -> None:
    patient.use(serve())
    if place == "setting":
        told = patient.asks(settings={name: "canary-value"})
    else:
        monkeypatch.setenv(name, "canary-value")
        told = patient.asks()
    assert told.exit_code == 0
    line = told.line("note", "settings")
    assert f"{place} {name}" in line
    assert words in line
    assert "canary-value" not in told.out


@pytest.mark.parametrize(
    ("spoken", "source", "words"),
    [
        ("router", "nowhere", "no such file or folder"),
        ("router", "list.txt", "2 seeds, 1 cannot be read; the first: list.txt:2"),
        ("router", "notes.jpg", "notes.jpg: no picture"),
        ("linkplus", str(PHOTOS), "linkplus takes pictures by URL only"),
    ],
)
def test_seeds_that_cannot_be_searched_are_told(
    serve: Callable[..., Site], patient: Patient, spoken: str, source: str, words: str
) -> None:
    patient.use(serve(), spoken)
    (patient.home / "list.txt").write_text("https://example.com/a.jpg\nnowhere.jpg\n")
    (patient.home / "notes.jpg").write_text("no picture at all")

    told = patient.asks(seeds=source)

    assert told.exit_code == 1
    assert told.wrongs == ["seeds"], told.out
    assert words in told.line("wrong", "seeds")


def test_seeds_are_counted_to_a_thousand(serve: Callable[..., Site], patient: Patient) -> None:
    patient.use(serve())
    (patient.home / "long.txt").write_text("https://example.com/a.jpg\n" * 1500)
    told = patient.asks(seeds="long.txt")
    assert "1000 or more seeds" in told.line("right", "seeds")
    assert "12 seeds" in patient.asks(seeds=str(PHOTOS)).line("right", "seeds")


def _vectors(path: Path, **changes: Any) -> Path:
    known = REPOSITORY / "pailitao_spider" / "gateways" / "signatures.json"
    vectors = json.loads(known.read_text())
    vectors[1] |= changes
    path.write_text(json.dumps(vectors))
    return path


def test_known_signatures_of_a_file_are_compared(patient: Patient) -> None:
    told = patient.asks(vectors=_vectors(patient.home / "right.json"))
    assert (told.exit_code, told.out) == (0, "5 of 5 signatures are right\n")


@pytest.mark.parametrize("changes", [{"secret": "canary"}, {"expected": "AB" * 16}], ids=str)
def test_each_mismatch_is_told_without_a_signature(
    patient: Patient, changes: dict[str, str]
) -> None:
    told = patient.asks(vectors=_vectors(patient.home / "wrong.json", **changes))
    assert told.exit_code == 1
    assert "number 2 (router, md5)" in told.line("wrong", "signatures")
    assert "4 of 5 signatures are right" in told.out
    assert "canary" not in told.out
    assert "AB" * 16 not in told.out


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"[1]",
        b'[{"dialect": "router"}]',
        b'[{"dialect": "taobao", "params": {}, "secret": "", "expected": ""}]',
        b'[{"dialect": "router", "params": {"a": 1}, "secret": "", "expected": ""}]',
        b'[{"dialect": "router", "params": [], "secret": "", "expected": ""}]',
        b'[{"dialect": "router", "params": {}, "secret": null, "expected": ""}]',
        b'[{"dialect": "router", "sign_method": "x", "params": {}, "secret": "", "expected": ""}]',
        b"[" * 100_000,
    ],
    ids=lambda content: "missing" if content is None else content[:45].decode("latin-1"),
)
def test_a_file_that_is_no_list_of_signatures_is_one_line(
    patient: Patient, content: bytes | None
) -> None:
    path = patient.home / "vectors.json"
    if content is not None:
        path.write_bytes(content)
    told = patient.asks(vectors=path)
    assert told.exit_code == 2
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "vectors.json" in told.err


# workers


def test_a_redis_that_is_down_is_wrong_and_the_keys_are_examined_all_the_same(
    serve: Callable[..., Site], patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.use(serve())
    patient.set(cluster="1")
    monkeypatch.setenv("REDIS_URL", "redis://:canary-password@127.0.0.1:9")

    told = patient.asks()

    assert told.exit_code == 1
    assert told.wrongs == ["redis"]
    assert "nothing listens there" in told.line("wrong", "redis")
    assert "let through" in told.line("right", "permission")
    assert not leaks(told, "canary-password")


def test_workers_renew_their_tokens_themselves(
    serve: Callable[..., Site],
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
    redis_server: LocalServer,
) -> None:
    site = serve()
    patient.use(site)
    patient.set(cluster="1")
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    assert patient.asks().exit_code == 0
    site.gateway.account.revoke()

    told = patient.asks()

    assert told.exit_code == 0, told.out
    assert "the crawl will renew it" in told.line("note", "token")
    assert site.gateway.account.refresh_token == CANARIES["refresh_token"]
    patient.unset("refresh_token")
    told = patient.asks()
    assert told.wrongs == ["token"]
    assert "nothing renews it" in told.line("wrong", "token")


# printing


def test_all_can_be_told_as_json(serve: Callable[..., Site], patient: Patient) -> None:
    patient.use(serve("spent"))
    told = patient.asks(json=True)
    answer = json.loads(told.out)
    assert (told.exit_code, answer["right"]) == (1, False)
    wrongs = [each for each in answer["findings"] if each["verdict"] == "wrong"]
    assert [each["subject"] for each in wrongs] == ["quota"]
    assert wrongs[0]["remedy"]


def test_a_line_is_one_line_and_holds_no_secret_whatever_a_gateway_says() -> None:
    finding = without(["s3cr3t/+"], right("key", "a\nb\x1b[31m s3cr3t/+ s3cr3t%2F%2B " + "x" * 900))
    assert str(finding).startswith("right  key         a b[31m … … xxx")
    assert len(str(finding).splitlines()) == 1
    assert len(finding.text) == 600


def test_an_address_is_shown_without_what_is_secret_in_it() -> None:
    assert shown_url("https://me:pass@h:1/p?token=x#y") == "https://h:1/p"
    assert shown_url("http://[::1") == "http://[::1"


def scrapy(crawler: Crawler, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "scrapy", "pailitao", *arguments],
        cwd=crawler.folder,
        env=crawler._environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_prints_its_lines_and_exits_with_what_it_found(
    serve: Callable[..., Site], crawler: Crawler
) -> None:
    crawler.use(serve())
    done = scrapy(crawler, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 4
    crawler.env["PAILITAO_APP_SECRET"] = "other"
    done = scrapy(crawler, "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert scrapy(crawler, "doctor", "--sedes", "x").returncode == 2


# a gateway with words of its own


@pytest.mark.parametrize(
    ("words", "verdict", "subject", "said"),
    [
        ("imgid is null", "right", "permission", "all is right with it"),
        ("图片不能为空", "right", "permission", "all is right with it"),
        ("sign error", "wrong", "secret", "PAILITAO_APP_SECRET"),
        ("timestamp expired", "wrong", "clock", "clock"),
        ("app_key is null", "wrong", "key", "PAILITAO_APP_KEY"),
        ("参数错误", "note", "permission", "参数错误"),
        ("page is invalid", "note", "permission", "page is invalid"),
    ],
    ids=ascii,
)
def test_a_search_is_called_right_only_where_the_picture_was_refused(
    patient: Patient, words: str, verdict: str, subject: str, said: str
) -> None:
    with scripted(lambda asked, number: refused(words)) as gateway:
        patient.set(url=gateway.url, app_key="27182818", **_secrets(CANARIES))
        told = patient.asks()
    assert said in told.line(verdict, subject)
    assert told.exit_code == (verdict == "wrong")


def test_a_gateway_that_repeats_the_call_makes_the_doctor_print_no_secret(
    patient: Patient,
) -> None:
    def script(asked: dict[str, str], number: int) -> Answer:
        return refused("imgid, sign and token are bad: " + " ".join(map("=".join, asked.items())))

    with scripted(script) as gateway:
        patient.set(url=gateway.url, app_key="27182818", **_secrets(CANARIES))
        told = patient.asks()
        [call] = gateway.calls
    assert not [each for each in (*CANARIES.values(), call["sign"]) if each in told.out]


def _secrets(canaries: dict[str, str]) -> dict[str, object]:
    return {
        "app_secret": canaries["secret"],
        "access_token": canaries["access_token"],
        "refresh_token": canaries["refresh_token"],
    }
