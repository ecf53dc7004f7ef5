"""Draws the figures of benchmarks/throughput.py as bars.

    python -m benchmarks.plot results.json docs/performance.svg

The picture brings its own ground and ink, so that it can be read on light and on dark pages.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

_LEFT, _BAR, _RIGHT = 292, 380, 148
_TOP, _STEP, _THICK, _BOTTOM = 84, 34, 20, 40
_WIDTH = _LEFT + _BAR + _RIGHT
_LEFT_OUT = {"half"}  # only there to be compared with the pair
_STYLE = """
  text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 }
  .small { font-size: 12px; fill: #57606a }
  .value { font-variant-numeric: tabular-nums }
  .ground { fill: #ffffff; stroke: #d0d7de }
  .axis { stroke: #8c959f }
  .ours { fill: #d9480f }
  .other { fill: #8fa3b8 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9da7b1 }
    .ground { fill: #0d1117; stroke: #30363d }
    .ours { fill: #ff8a4c }
    .other { fill: #5b7088 }
  }
"""


def drawing(results: dict[str, Any]) -> str:
    clients = [each for each in results["clients"] if each["name"] not in _LEFT_OUT]
    clients.sort(key=lambda each: -each["offers_a_second"])
    height = _TOP + _STEP * len(clients) + _BOTTOM
    base = next((c["offers_a_second"] for c in clients if c["name"] == "bare"), None)
    longest = clients[0]["offers_a_second"]
    lines = [
        *_head(height),
        *(line for place, each in enumerate(clients) for line in _bar(place, each, longest, base)),
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP - 6}" y2="{height - _BOTTOM}"/>',
        f'<text class="small" x="20" y="{height - 14}">{escape(_foot(results))}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _head(height: int) -> Iterator[str]:
    title = "Offers a second, each process on one core"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{title}">'
    )
    yield f"<title>{title}</title>"
    yield f"<style>{_STYLE}</style>"
    yield (
        f'<rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="8"/>'
    )
    yield f'<text class="title" x="20" y="32">{title}</text>'
    yield (
        '<text class="small" x="20" y="54">Received from a local gateway of canned answers, '
        "100 offers a page; in brackets: times bare Scrapy</text>"
    )


def _bar(place: int, client: dict[str, Any], longest: float, base: float | None) -> Iterator[str]:
    top = _TOP + _STEP * place
    middle = top + _THICK / 2 + 5
    pace = client["offers_a_second"]
    length = max(1.0, pace / longest * _BAR)
    kind = "ours" if client["title"].startswith("this project") else "other"
    told = f"{pace:,.0f}" + (f" ({pace / base:.1f}×)" if base else "")
    yield (
        f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(client["title"])}</text>'
    )
    yield (
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_THICK}" '
        'rx="2"/>'
    )
    yield f'<text class="value" x="{_LEFT + length + 8:.1f}" y="{middle}">{told}</text>'


def _foot(results: dict[str, Any]) -> str:
    on, given = results["machine"], results["options"]
    return (
        f"{on['processor']}, {on['cores']} cores; Python {on['python']}, Scrapy {on['scrapy']}; "
        f"medians of {given['rounds']} rounds, start-up excluded; {on['date']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    given.picture.write_text(drawing(json.loads(given.results.read_text())))


if __name__ == "__main__":
    main()
