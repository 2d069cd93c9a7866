# Needs: make, and Python 3.11 or newer with its venv module. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench bench-short fuzz constraints clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## compare every strategy on the example shop; the plots go to build/demo
	$(BIN)/simkube compare scenarios/shop.yaml --out build/demo

test: $(INSTALLED) ## the tests: no network, no Docker
	$(BIN)/python -m pytest

check: $(INSTALLED) ## style, types, and the layers between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED) ## build/site, with every link checked and every example run
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m tests.docs.check

bench: $(INSTALLED) ## how fast it is, in ratios; docs/performance.md keeps the results
	$(BIN)/python -m benchmarks

bench-short: $(INSTALLED) ## the same on small clusters, to see that it runs
	$(BIN)/python -m benchmarks --short

fuzz: $(INSTALLED) ## 10,000 damaged inputs
	$(BIN)/python -m tests.fuzz --count 10000

# Run it with the oldest Python that must do (Debian 12's 3.11.2): newer ones get pins that it cannot install.
constraints: ## pin the newest versions of everything in constraints.txt
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip --quiet --disable-pip-version-check install hatchling editables '.[dev,docs]'
	build/constraints/bin/python -m pip freeze --exclude simkube > constraints.txt

clean: ## remove what was built; .venv stays
	rm -rf build .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find simkube tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Two steps, because what builds a package is pinned only if it is there before.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "simkube needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into .venv (once; a minute or so)"
	@$(PIP) install --quiet --constraint constraints.txt hatchling editables
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev,docs]'
	@touch $@
