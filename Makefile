# `run`, `up`, `test…`, `house`, `bench`, `docs` and `faults` pass ARGS on to the tool that they call.
#   make run ARGS="--users 50 --run-time 2m"
.PHONY: run up test test-slow test-heavy check house bench docs faults wheels lock clean
.DEFAULT_GOAL := run

PYTHON ?= python3
BIN := .venv/bin

run: .venv/ready
	@$(BIN)/headcount run $(ARGS)

up: .venv/ready
	@$(BIN)/headcount up $(ARGS)

# tests/conftest.py sets the number of workers: none for a single file or -k.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder

test: .venv/ready
	$(PYTEST) -m "not slow and not heavy" $(ARGS)

test-slow: .venv/ready
	$(PYTEST) -m slow $(ARGS)

test-heavy: .venv/ready
	$(PYTEST) -m heavy $(ARGS)

check: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/python -m scripts.imports && $(BIN)/python -m scripts.names && $(BIN)/python -m scripts.private_names
	$(BIN)/codespell README.md CONTRIBUTING.md CHANGELOG.md docs headcount analysis service locustfiles bench scripts examples tests ci templates

# Shows sizes and names; with ARGS=REPORT (a JUnit file or the output of --durations=0), also the tests' time.
house: .venv/ready
	@$(BIN)/python -m scripts.house $(ARGS)

bench: .venv/ready
	$(BIN)/python -m bench $(or $(ARGS),--write docs all)

# Builds the documentation site in build/site; it can be read offline.
docs: .venv/ready
	$(BIN)/python -m scripts.options
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

# Injects every fault of docs/faults.md into the real parts; takes half an hour.
faults: .venv/ready
	$(BIN)/python -m tests.faults $(ARGS)

# Builds the distributions `headcount` and `headcount-slim` in dist.
wheels: .venv/ready
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . ./scripts/slim

# Upgrades every dependency and jar to the newest version that pyproject.toml and ivy_file.py allow.
lock: .venv/ready
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --universal --upgrade --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.lock
	$(BIN)/python -m headcount.stack.jvm.jars_update

# The file `ready` marks a complete installation: after an interruption, make starts over.
# To compile all modules would take half a minute, so pip does not: Python compiles each when it first imports it, and
# stores the result. But with PYTHONDONTWRITEBYTECODE it stores nothing, and would spend seconds of every command on
# compiling. If that variable is set, all modules are therefore compiled here.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headcount: Python 3.11 or newer is required, found " + sys.version.split()[0])'
	@echo "Creating the environment in .venv (takes a few minutes, once)" >&2
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile) --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(if $(PYTHONDONTWRITEBYTECODE),$(BIN)/python -m compileall -q headcount analysis service locustfiles)
	@touch .venv/ready

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
