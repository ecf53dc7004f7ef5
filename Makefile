# make demo     photos in, offers and a report out, on the embedded sandbox: no key, no internet
# make cluster  the same with three workers on one Redis, to look at
# make test     the tests
# make test-desktop  those that need a browser, LibreOffice and PostgreSQL
# make lint     ruff and mypy
# make soak     the long proofs
# make scrapy-tests  Scrapy's own tests, with the add-on in every crawler
# make bench    how much of a quota is used, by one key and by three
# make speed    offers a second beside other ways to get them, memory, start-up; some 15 minutes
# make pictures the pictures of the docs, taken of the demo's report

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# Tests that are compiled once need not be compiled by each process of each run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo cluster test test-desktop lint soak scrapy-tests bench speed pictures clean

$(VENV)/ready: pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv -q --allow-existing $(VENV) && uv pip install -q --python $(BIN)/python -e '.[dev]'; \
	else \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'; \
	fi
	@touch $@

demo: $(VENV)/ready
	@mkdir -p demo
	PAILITAO_SANDBOX=1 PAILITAO_RATE=20 $(BIN)/scrapy crawl pailitao -a seeds=examples/photos -O demo/offers.jsonl
	$(BIN)/scrapy pailitao report demo/offers.jsonl -O demo/report.html

cluster: $(VENV)/ready
	@rm -rf demo/cluster
	$(BIN)/python examples/cluster.py demo/cluster

test: $(VENV)/ready
	$(BIN)/python -m pytest -q -n 4
	$(BIN)/python -m pytest -q --reactor=asyncio tests/in_process

test-desktop: $(VENV)/ready
	$(BIN)/python -m pytest -q -n 2 -m "desktop and not soak"

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: $(VENV)/ready
	$(BIN)/python -m pytest -q -m soak
	$(BIN)/python -m pytest -q -n 2 -m "hypothesis and not soak" --hypothesis-profile many

scrapy-tests: $(VENV)/ready
	$(BIN)/python tests/scrapys_own/run.py .scrapy-tests

bench: $(VENV)/ready
	$(BIN)/python benchmarks/quota.py
	$(BIN)/python benchmarks/keys.py

speed: $(VENV)/ready
	@mkdir -p demo
	$(BIN)/python -m benchmarks.throughput --json demo/throughput.json
	$(BIN)/python -m benchmarks.plot demo/throughput.json docs/performance.svg
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.seen
	$(BIN)/python -m benchmarks.memory

pictures: demo
	$(BIN)/python docs/pictures_report.py demo/report.html
	$(BIN)/python docs/pictures_panel.py

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
