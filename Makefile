# Two commands do everything: `make up` runs the crew, `make test` runs the tests.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: up test simulation fuzz daylight chaos check lock clean

up: .venv/installed            ## environment, install, run the crew in the foreground
	@$(BIN)/harness up --home .

test: .venv/installed-dev      ## every fast test
	$(BIN)/pytest -n auto

simulation: .venv/installed-dev  ## thousands of seeds of crashes, full disks and clock steps; quarters of memory; days of the pool
	$(BIN)/pytest -n auto -m simulation
	$(BIN)/python -m tests.simulation --seeds 2000
	$(BIN)/python -m tests.simulation.memory --seeds 4
	$(BIN)/python -m tests.simulation.pool --seeds 4 --days 1 --clusters 3

fuzz: .venv/installed-dev        ## what strangers, people and models may write: new examples each time
	FUZZ_EXAMPLES=2000 $(BIN)/pytest tests/fuzz

daylight: .venv/installed-dev    ## every half hour in twelve zones over two years, by an oracle
	$(BIN)/python -m tests.cronline.daylight

chaos: .venv/installed-dev       ## real processes, killed and frozen thirty times; full disks
	$(BIN)/pytest -n auto -m 'chaos and not siege'
	$(BIN)/pytest -m siege

check: .venv/installed-dev     ## what must hold besides the tests
	scripts/check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make PYTHON=python3.12 up' >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo 'on Debian: apt install python3-venv' >&2; exit 1; }

.venv/installed: .venv/bin/python requirements.lock pyproject.toml
	@echo 'installing (once, about a minute) ...'
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

lock:                          ## pin again what pyproject.toml allows
	@$(PYTHON) -m pip install --quiet uv
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
