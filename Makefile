# `make help` lists what there is to do. Everything is installed into .venv, from lock files with hashes.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip

# Stamps: what is done is not done again until the file that it was made from changes. A virtual environment holds
# absolute paths, so the first stamp bears the checkout's own: a copy of the folder makes itself a new one.
MADE := $(VENV)/.made-$(shell pwd | cksum | cut -d ' ' -f 1)
RUNTIME := $(VENV)/.runtime
PROJECT := $(VENV)/.project
DEV := $(VENV)/.dev

CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locales/*/LC_MESSAGES/kp7.po))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test soak bench lint format lock clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(PROJECT) $(CATALOGUES)  ## make .venv with the kp7 command in it

run: setup  ## start the demo: SQLite, web chat, mailbox page, sample roster (HOST, PORT)
	@DEMO=1 exec $(BIN)/kp7 serve

# Each test process reads what the first one has compiled, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

# Tests wait for servers half of their time. What they write lies in memory where there is room for it, and programs may
# be run from there: whether the disk is asked to keep something, no test could tell.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS := $(shell echo $$(( $(CORES) < 2 ? 2 : $(CORES) < 4 ? $(CORES) + 2 : $(CORES) )))
MEMORY := $(shell findmnt -nbo AVAIL,OPTIONS /dev/shm 2>/dev/null | awk '$$1 > 6e9 && !/noexec/ { print "/dev/shm"; exit }')

test: $(DEV) $(CATALOGUES)  ## run every test (ARGS="-k word" for some)
	@for browser in chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v $$browser >/dev/null; then exit 0; fi; \
	done; echo "No chromium or google-chrome on the PATH: the browser tests will be skipped."
	$(if $(MEMORY),TMPDIR=$(MEMORY)) $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# What measures is alone on the machine; the others sleep half of their time.
MEASURES := tests/soak/soak_import.py tests/soak/soak_papers.py
ENDURES := $(filter-out $(MEASURES),$(wildcard tests/soak/soak_*.py))

soak: $(DEV) $(CATALOGUES)  ## kill it fifty times, take its disk, its mail and LINE away: a quarter of an hour
	$(BIN)/pytest -s --timeout 1500 $(ARGS) $(MEASURES) || [ $$? = 5 ]  # 5: ARGS mean none of them
	$(BIN)/pytest -n 2 --dist worksteal -rP --timeout 1500 $(ARGS) $(ENDURES) || [ $$? = 5 ]

bench: $(DEV) $(CATALOGUES)  ## measure KP7 beside its peers, five minutes (ARGS="--users 200 --rounds 1" for a look)
	$(BIN)/python -m bench $(ARGS)

lint: $(DEV)  ## check style, types, layers and lock files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	@if grep -nE '://|^ *-[^-]|^ *--[^h]| @ ' *.lock; then \
		echo "A lock file names an address, a path or an index: run 'make lock'." >&2; exit 1; fi
	@if git rev-parse --git-dir >/dev/null 2>&1 && git grep --untracked -nIE '$(REGISTRIES)'; then \
		echo "A file names a package registry: packages come from wherever the reader's own tools look." >&2; exit 1; fi

# Written so that the pattern does not match itself.
REGISTRIES := py[p]i\.org|python[h]osted\.org|npm[j]s\.(org|com)|yarn[p]kg\.com

format: $(DEV)  ## put the code into shape
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Keeps what is pinned where it still fits; UPGRADE=1 takes the newest of everything. One version serves every Python.
COMPILE = $(UV) compile --quiet --no-config --python $(BIN)/python --python-version 3.11 --universal \
	--fork-strategy fewest --generate-hashes --no-emit-index-url --no-annotate --no-header $(if $(UPGRADE),--upgrade)

lock: $(MADE)  ## pin every package in the lock files (UPGRADE=1 for the newest)
	$(COMPILE) --group bootstrap --output-file bootstrap.lock
	$(COMPILE) pyproject.toml --group build --output-file requirements.lock
	$(COMPILE) pyproject.toml --group build --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## remove everything made here, except var/ (your data)
	rm -rf $(VENV) .pdm-build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	rm -f locales/*/LC_MESSAGES/kp7.mo
	find bench bot handlers storage samples tests -name __pycache__ -prune -exec rm -rf {} +

# --- the virtual environment ------------------------------------------------------------------------------------------

# Missing when there is no .venv, and also when the Python that it was made from is gone.
$(BIN)/python: ;

$(MADE): bootstrap.lock $(BIN)/python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "KP7 needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Install a newer one and name it: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv module is missing." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@touch $@

# Installs a lock file. After an interruption a package may be half there, which no record shows: then all of them
# are put in again.
define install
	@echo "Installing $(1) ..."
	@again=$$(test ! -e $(VENV)/.unsure || echo --reinstall); touch $(VENV)/.unsure; \
	$(UV) install --quiet --python $(BIN)/python --require-hashes $$again $(2) -r $(1)
	@rm -f $(VENV)/.unsure
	@touch $@
endef

$(RUNTIME): requirements.lock $(MADE)
	$(call install,requirements.lock,--compile-bytecode)

$(DEV): requirements-dev.lock $(PROJECT)
	$(call install,requirements-dev.lock)

$(PROJECT): pyproject.toml $(RUNTIME)
	@$(UV) install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@touch $@

%/kp7.mo: %/kp7.po | $(PROJECT)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
