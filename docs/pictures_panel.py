"""The picture of the panel in docs/watching.md, taken of a run on the sandbox."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from pailitao_spider.sandbox.catalogue.market import Catalogue

__all__ = ["main"]

PICTURE = Path(__file__).parent / "pictures" / "panel.svg"
COLUMNS, LINES = 80, 24
SECONDS = 17.0
ERASED = "\x1b[2K"
KEYS = """
[[key]]
name = "main"
gateway = "router"
app_key = "main"
app_secret = "main-secret"
access_token = "main-token"
refresh_token = "main-refresh"
rate = 6
daily_calls = 5000
price = 0.02

[[key]]
name = "second"
gateway = "router"
app_key = "second"
app_secret = "second-secret"
access_token = "second-token"
refresh_token = "second-refresh"
"""
SETTINGS = {
    "PAILITAO_SANDBOX": "latency=0.15,token_life=1500,fault=401@9,fault=500@60,"
    "key=main:6:6,key=second:4:2",
    "PAILITAO_CREDENTIALS": "keys.toml",
    "PAILITAO_TRANSIENT_TRIES": "1",
    "SCRAPY_SETTINGS_MODULE": "pailitao_spider.settings",
    "TERM": "xterm-256color",
}
COMMAND = ("-m", "scrapy", "crawl", "pailitao", "-a", "seeds=seeds.csv", "-a", "page_size=20",
           "-O", "offers.jsonl")  # fmt: skip
THEME = TerminalTheme(
    (30, 33, 39),
    (214, 218, 224),
    [(30, 33, 39), (224, 108, 117), (152, 195, 121), (226, 192, 120),
     (97, 175, 239), (198, 120, 221), (104, 186, 190), (214, 218, 224)],
)  # fmt: skip
# Rich's own form draws a window and asks for a font on the web.
FORM = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The panel of a run</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#1e2127"/>
<defs>{lines}</defs>
<g transform="translate({terminal_x}, 24)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(picture: Path) -> None:
    with TemporaryDirectory() as folder:
        shown = run(Path(folder))
    console = Console(record=True, width=COLUMNS, file=StringIO(), highlight=False)
    console.print(Text.from_ansi(shown))
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(
        console.export_svg(theme=THEME, code_format=FORM, unique_id="panel"), encoding="utf-8"
    )


def run(folder: Path) -> str:
    """What stands on the terminal after a while: the log's last lines, and the panel."""
    catalogue = Catalogue()
    seeds = [
        f"{catalogue.photo_url(design.name, view)},{design.name}-{view}.jpg"
        for design in catalogue.designs
        for view in (1, 2)
    ]
    (folder / "seeds.csv").write_text("\n".join(["image,seed_id", *seeds]), encoding="utf-8")
    (folder / "keys.toml").write_text(KEYS, encoding="utf-8")
    drawn = in_terminal(folder).replace("\r\n", "\n").split(ERASED)
    whole = [each for each in drawn[:-1] if "last word" in each]
    return whole[-1].strip()


def in_terminal(folder: Path) -> str:
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=folder,
        env={**os.environ, **SETTINGS, "HOME": str(folder)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    output, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        output += os.read(ours, 1 << 16)
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(ours)
    return output.decode("utf-8", "replace")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
