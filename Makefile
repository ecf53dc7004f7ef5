# make demo     photos in, offers and a report out, on the embedded sandbox: no key, no internet
#               (make demo PHOTOS=my/folder: the same with photos of your own)
# make install  only the package and what it needs, in .venv
# make cluster  the same with three workers on one Redis, to look at
# make test     the tests
# make test-desktop  those that need a browser, LibreOffice and PostgreSQL
# make wheel-test  the wheel, installed in a clean environment and crawled with
# make lint     ruff and mypy
# make soak     the long proofs
# make scrapy-tests  Scrapy's own tests, with the add-on in every crawler
# make docs    the documentation as a site, in site/, its links checked
# make bench    how much of a quota is used, by one key and by three
# make speed    offers a second beside other ways to get them, memory, start-up; some 15 minutes
# make pictures the pictures of the docs, taken of the demo's report

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# Tests that are compiled once need not be compiled by each process of each run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo install docs cluster test test-desktop wheel-test lint soak scrapy-tests bench speed pictures clean

PHOTOS ?= examples/photos
# Packages that are not compiled at once are there twice as soon; each is compiled when it is used.
PIP = $(BIN)/python -m pip install --disable-pip-version-check

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	@echo "1 of 3  Python packages into $(VENV): once, some 100 MB to fetch, half a minute to a minute"
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv -q --allow-existing $(VENV) && uv pip install -q --python $(BIN)/python -e .; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(PIP) -q --no-compile -e .; \
	fi
	@touch $@

$(VENV)/ready: pyproject.toml | $(VENV)/installed
	@echo "what the tests need into $(VENV): once, some 500 MB"
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install -q --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PIP) -q -e '.[dev]'; \
	fi
	@touch $@

demo: $(VENV)/installed
	@mkdir -p demo
	@echo "2 of 3  searching the photos of $(PHOTOS) in the sandbox's invented offers"
	@PAILITAO_SANDBOX=1 PAILITAO_RATE=20 $(BIN)/pailitao search "$(PHOTOS)" -O demo/offers.jsonl
	@echo "3 of 3  the report"
	@$(BIN)/pailitao report demo/offers.jsonl -O demo/report.html
	@echo "open    file://$(CURDIR)/demo/report.html"
	@if [ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  $(BIN)/python -m webbrowser -t "file://$(CURDIR)/demo/report.html" >/dev/null 2>&1 || true; \
	fi

cluster: $(VENV)/ready
	@rm -rf demo/cluster
	$(BIN)/python examples/cluster.py demo/cluster

test: $(VENV)/ready
	$(BIN)/python -m pytest -q -n 4
	$(BIN)/python -m pytest -q --reactor=asyncio tests/in_process

test-desktop: $(VENV)/ready
	$(BIN)/python -m pytest -q -n 2 -m "desktop and not soak"

wheel-test: $(VENV)/ready
	$(BIN)/python tests/installed.py .wheel-test
	$(BIN)/python tests/installed.py .wheel-test --lowest

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: $(VENV)/ready
	$(BIN)/python -m pytest -q -m soak
	$(BIN)/python -m pytest -q -n 2 -m "hypothesis and not soak" --hypothesis-profile many

scrapy-tests: $(VENV)/ready
	$(BIN)/python tests/scrapys_own/run.py .scrapy-tests

docs: $(VENV)/installed
	$(BIN)/python docs/reference_page.py
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python -e '.[docs]'; \
	else $(PIP) -q -e '.[docs]'; fi
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -q -d site

bench: $(VENV)/ready
	$(BIN)/python benchmarks/quota.py
	$(BIN)/python benchmarks/keys.py

speed: $(VENV)/ready
	@mkdir -p demo
	$(BIN)/python -m benchmarks.throughput --json demo/throughput.json
	$(BIN)/python -m benchmarks.plot demo/throughput.json docs/performance.svg
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.seen
	$(BIN)/python -m benchmarks.memory

pictures: demo
	$(BIN)/scrapy pailitao report demo/offers.jsonl --terms examples/terms.toml -O demo/terms.html
	$(BIN)/scrapy pailitao workbook demo/offers.jsonl --terms examples/terms.toml --language en -O demo/buy.xlsx
	$(BIN)/python docs/pictures_report.py demo/terms.html
	$(BIN)/python docs/pictures_workbook.py demo/buy.xlsx
	$(BIN)/python docs/pictures_live.py
	$(BIN)/python docs/pictures_panel.py
	$(BIN)/python docs/pictures_ways.py

clean:
	rm -rf $(VENV) demo .wheel-test .pytest_cache .mypy_cache .ruff_cache .hypothesis
