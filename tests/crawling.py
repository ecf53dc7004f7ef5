"""`scrapy crawl pailitao` as a user runs it, and what it left."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pailitao_spider.sandbox.server import Site
from tests.warm import SCRAPY, start

REPOSITORY = Path(__file__).parent.parent


@dataclass
class Crawled:
    """A crawl that ended, and its files."""

    exit_code: int
    log: str
    folder: Path

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        if not path.exists():
            return []
        text = path.read_text(encoding="utf-8")
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    @property
    def offers(self) -> list[dict[str, Any]]:
        return self.lines("offers.jsonl")

    @property
    def ids(self) -> list[str]:
        return [offer["num_iid"] for offer in self.offers]

    @property
    def ledger(self) -> dict[str, dict[str, Any]]:
        """Final lines by seed; fails when a seed has two."""
        lines = self.lines("offers.seeds.jsonl")
        assert len({line["seed_id"] for line in lines}) == len(lines), "a seed has two lines"
        return {line["seed_id"]: line for line in lines}

    @property
    def statuses(self) -> Counter[str]:
        return Counter(line["status"] for line in self.ledger.values())

    @property
    def stats(self) -> dict[str, Any]:
        return json.loads((self.folder / "stats.json").read_text())

    def ours(self) -> dict[str, Any]:
        """This project's stats but for the time that was waited."""
        return {
            key: value
            for key, value in self.stats.items()
            if key.startswith("pailitao/") and key != "pailitao/gate/wait_seconds"
        }


class Crawler:
    """Starts crawls in one folder; `env` holds the settings given by environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {}
        self.site: Site | None = None

    def use(self, site: Site, **settings: object) -> None:
        """Points crawls at a served sandbox, with its key."""
        account = site.gateway.account
        self.site = site
        self.env |= {
            "PAILITAO_URL": site.url,
            "PAILITAO_TOKEN_URL": site.token_url,
            "PAILITAO_APP_KEY": account.app_key,
            "PAILITAO_APP_SECRET": account.secret,
            "PAILITAO_ACCESS_TOKEN": account.access_token,
            "PAILITAO_REFRESH_TOKEN": account.refresh_token,
        }
        self.env |= {f"PAILITAO_{name.upper()}": str(value) for name, value in settings.items()}

    def start(
        self, *arguments: str, seeds: str | Path = "seeds.txt", out: str = "-O", **popen: Any
    ) -> subprocess.Popen[str]:
        """A crawl under way; `out` is -O or -o, or empty for no feed."""
        command = [*SCRAPY, "crawl", "pailitao", "-a", f"seeds={seeds}"]
        command += [out, "offers.jsonl"] if out else []
        command += ["-s", "STATS_CLASS=tests.stats_file.FileStats", *arguments]
        return start(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=popen.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            **popen,
        )

    def crawl(self, *arguments: str, timeout_seconds: float = 240, **given: Any) -> Crawled:
        """A crawl from start to end."""
        process = self.start(*arguments, **given)
        try:
            log, _ = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            log, _ = process.communicate()
            raise AssertionError(f"the crawl did not end:\n{log[-4000:]}") from None
        return Crawled(process.returncode, log, self.folder)

    def result(self) -> Crawled:
        """What lies in the folder now."""
        return Crawled(0, "", self.folder)

    def seeds(self, *lines: str, name: str = "seeds.txt") -> Path:
        """Writes a seed list into the folder."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            **kept,
            "HOME": str(home),
            "PYTHONPATH": str(REPOSITORY),
            "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
            "COLUMNS": "100",
            "PAILITAO_LANG": "en",
            **self.env,
        }
