# `make demo` and `make test` work in a fresh clone with nothing but Python 3.11 or newer.
# `make PYTHON=/path/to/python3.12 demo` takes another interpreter for a new .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help install demo test left-out fast cases gpu check scripts docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     install everything into $(VENV) and dub Input/sample.mp4 into Brazilian Portuguese"
	@echo "make test     install and run the whole test suite with coverage"
	@echo "make fast     run the tests that need no models and no whole episode"
	@echo "make left-out run the tests that the last make test left out for want of material"
	@echo "make check    format, lint and types, those of the pages' scripts where node is"
	@echo "make cases    try what people did that once failed (tests/data/cases)"
	@echo "make gpu      on a machine with a graphics card: run tests, parity, benchmarks and a clip on it, and write the results"
	@echo "make docs     write docs/cli.md and docs/remarks.md anew from the code"
	@echo "make install  install everything for development, run nothing"
	@echo "make clean    remove $(VENV), node_modules and caches; Output/ stays"

# Stamps inside the environment: an environment that is deleted is made again, a change of the pins reinstalls.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.offline: pyproject.toml constraints.txt requirements-nodeps.txt | $(BIN)/python
	$(PIP) install --quiet --editable ".[offline,gpu,web]" --constraint constraints.txt
	$(PIP) install --quiet --no-deps --requirement requirements-nodeps.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.offline requirements-compare.txt
	$(PIP) install --quiet --editable ".[offline,gpu,web,dev]" --constraint constraints.txt
	$(PIP) install --quiet --no-deps --requirement requirements-compare.txt
	@touch $@

install: $(VENV)/.dev

demo: $(VENV)/.offline
	$(BIN)/dubkit run Input/sample.mp4 --to pt-BR
	@echo
	@echo "The dub:      Output/sample/pt-BR/dub.mp4"
	@echo "The report:   Output/sample/pt-BR/report.html"
	@echo
	@echo "What to try next:"
	@echo "  . $(BIN)/activate"
	@echo "  dubkit run Input/sample.mp4 --to pt-BR        again: nothing has to run"
	@echo "  dubkit plan Input/sample.mp4 --to pt-BR       why each step would run, or not"
	@echo "  dubkit models list                            what is used, from where, under which licence"
	@echo "  dubkit doctor                                 what this machine can do, and what is missing"

PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Exit code 1 of pytest: tests failed. Each runs once more, with the machine to itself: what fails again is wrong,
# and what passes now is named (FLAKY) and has to be mended, for it depends on how busy the machine is.
AGAIN = sh tests/support/again.sh $$? $(BIN)/python

# Counted everywhere, whole dubs would take twice as long: of what slow tests start, two dubs count.
COVERED := --cov=dubkit --cov=stages
test: $(VENV)/.dev
	$(PYTEST) -m "not slow" $(COVERED) --cov-report= || $(AGAIN) -m "not slow"
	$(PYTEST) -m slow $(COVERED) --cov-append --cov-report= || $(AGAIN) -m slow
	$(BIN)/python -m coverage report --skip-covered --fail-under=90

# What `test` left out because real clips and reference tensors were not beside the checkout.
left-out: $(VENV)/.dev
	$(PYTEST) --left-out

fast: $(VENV)/.dev
	$(PYTEST) -m "not slow"

# What people did that once failed, on the files they did it with.
cases: $(VENV)/.dev
	$(BIN)/python -m benchmarks.trials tests/data/cases/speech tests/data/cases/media --jobs 2

# What nobody has run yet: see docs/generator.md. `make gpu GPU="--weights /models/ltx-2 --golden FOLDER"` says with what.
GPU ?=
gpu: $(VENV)/.dev
	$(BIN)/python -m benchmarks.ltx_gpu $(GPU)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict dubkit stages benchmarks
	@$(MAKE) --no-print-directory scripts

node_modules/.installed: package.json package-lock.json
	npm ci
	@touch $@

# The pages need no node; only the check of their types (tsconfig.json) does.
scripts:
	@if command -v node > /dev/null && command -v npm > /dev/null; then \
	  $(MAKE) --silent --no-print-directory node_modules/.installed && echo node_modules/.bin/tsc && node_modules/.bin/tsc; \
	else \
	  echo "node is not here: the scripts of the pages are not type-checked"; \
	fi

docs: $(VENV)/.dev
	$(BIN)/python -m dubkit.cli.reference > docs/cli.md
	$(BIN)/python -m dubkit.cli.codes > docs/remarks.md

clean:
	rm -rf $(VENV) node_modules build dist .mypy_cache .ruff_cache .pytest_cache .coverage htmlcov *.egg-info
