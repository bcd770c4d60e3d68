# A machine with Python 3.11 is enough: `make demo`. Everything is installed into .venv, everything a run writes is in .c360.

PYTHON    ?= python3
BIN        = .venv/bin
READY      = .venv/.ready
SOURCES   ?=
CUSTOMERS ?= 2000
SEEDS     ?= 300
HISTORIES ?= 200
EXAMPLES  ?= 500
KILLS     ?= 100
DAYS      ?= 60
# Where uv is cannot be where it installs: `uv sync` removes what the lock file does not name.
UV         = .venv-uv/bin/uv
export UV_PROJECT_ENVIRONMENT = .venv
# Some images set it: every process would compile what it imports anew, 6 s for Great Expectations alone.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-backfill test-chaos test-faults test-histories test-identity test-long test-past-days test-pollution check format up down clean setup

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## Run everything once: sample shop → Airflow → tables → figures (SOURCES=examples/…, CUSTOMERS=2000)
	@$(BIN)/c360 demo --customers $(CUSTOMERS) $(if $(SOURCES),--sources $(SOURCES))

up: $(READY) ## Start Airflow with its UI on this machine (prints address and login)
	@$(BIN)/c360 up $(if $(SOURCES),--sources $(SOURCES))

down: $(READY) ## Stop what `make up` started
	@$(BIN)/c360 down $(if $(SOURCES),--sources $(SOURCES))

test: $(READY) ## Run all tests
	@$(BIN)/python -m pytest -n 2

test-backfill: $(READY) ## Run DAYS=60 days by Airflow's backfill, daily and rebuilt: hours; PROJECT=small an hour
	@C360_LONG=1 C360_BACKFILL_DAYS=$(DAYS) C360_BACKFILL_PROJECT=$(PROJECT) $(BIN)/python -m pytest -s tests/backfill

test-chaos: $(READY) ## Kill a day's processes at every named point, KILLS=100 times at random, and ten tasks under Airflow
	@C360_CHAOS=$(KILLS) $(BIN)/python -m pytest -n 2 --dist=load tests/chaos

test-faults: $(READY) ## Run days on which Google's services fail, each fault alone and SEEDS=300 combinations
	@C360_FAULT_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n 2 --dist=load tests/faults

test-histories: $(READY) ## Hold incremental tables against full rebuilds, over HISTORIES=200 random histories and six that Google's engine runs
	@C360_HISTORIES=$(HISTORIES) $(BIN)/python -m pytest -n 2 --dist=load tests/build/test_incremental_on_reference.py tests/build/test_histories.py

test-identity: $(READY) ## Resolve random graphs, long chains and killed runs, against networkx
	@C360_IDENTITY_SWEEP=1 $(BIN)/python -m pytest -n 2 tests/identity

test-pollution: $(READY) ## Mix clean rows with polluted ones, EXAMPLES=500 times
	@C360_POLLUTION_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n 2 tests/sources/test_mixed_pollution.py

test-long: $(READY) ## Days through Airflow that `make test` goes through without it, and other tests of minutes
	@C360_LONG=1 $(BIN)/python -m pytest -n 2 -m long

test-past-days: $(READY) ## Four days of a whole shop: each reads again as it was published
	@C360_HISTORY_DAYS=1 $(BIN)/python -m pytest tests/history

check: $(READY) ## Check format, lint, types, SQL, architecture, licences, secrets, vulnerabilities and the lock file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar sql
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_architecture.py
	$(BIN)/python .ci/hygiene.py
	$(BIN)/python .ci/audit.py $(UV)
	$(UV) lock --check --offline

format: $(READY) ## Format Python and SQL in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(READY) ## Install everything into .venv, as the lock file says

clean: ## Remove what runs and tests wrote; the environments stay
	rm -rf .c360 .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml uv.lock $(UV)
	@echo "Installing what uv.lock names into .venv (once)"
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …" if not (3, 11) <= sys.version_info[:2] < (3, 14) else 0)'
	@$(PYTHON) -m venv .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/uv.txt
