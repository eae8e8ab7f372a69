# Everything a checkout needs. A bare machine with Python 3.11 and a package index is enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_BENCH := $(VENV)/.ready-bench
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test quick long bench check format wheel pins

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(READY)  ## a rehearsal on this machine; ARGS="--faults --dossiers 500"
	$(BIN)/syncd demo $(ARGS)

test: $(READY)  ## every test, with branch coverage; PostgreSQL and MariaDB are found, started or said to be missing
	$(BIN)/python -m coverage erase
	tests/with-databases $(PYTEST) -n 2 -m "not long" --cov --cov-report=term $(ARGS)

quick: $(READY)  ## the tests of a few seconds each
	tests/with-databases $(PYTEST) -n 2 -m "not big and not slow and not long" $(ARGS)

long: $(READY)  ## the tests of many minutes: 20,000 dossiers damaged and repaired, and every property with all its examples
	tests/with-databases $(PYTEST) -m long -o faulthandler_timeout=3600 $(ARGS)
	tests/with-databases $(PYTEST) -o faulthandler_timeout=3600 -m "hypothesis and not long" --hypothesis-profile thorough $(ARGS)

bench: $(READY_BENCH)  ## what deliveries cost beside others, in under ten minutes; ARGS="--long --runs 3 --json FILE S1 S2"
	tests/with-databases $(BIN)/python -m benchmarks $(ARGS)

check: $(READY)  ## ruff, formatting, types, directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy syncd connectors tests benchmarks
	$(BIN)/lint-imports

format: $(READY)  ## put the source into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

wheel: $(READY)  ## dist/syncd-*.whl
	$(BIN)/python -m build --wheel --outdir dist .

pins: $(READY_BENCH)  ## write constraints.txt anew from what is installed, after the tests have passed with it
	head -n 2 constraints.txt > $(VENV)/pins
	$(BIN)/python -m pip freeze --exclude-editable --exclude syncd >> $(VENV)/pins
	mv $(VENV)/pins constraints.txt

$(READY): setup.cfg pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 is not on the PATH; say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev,postgresql,mysql,report]"
	touch $@

$(READY_BENCH): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	touch $@
