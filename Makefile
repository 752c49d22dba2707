# `make demo` and `make test` do all the set-up themselves; a second call starts at once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help setup demo test lint types unit lowest wheel viewer screenshot bench evidence docs clean

help:
	@echo "make demo    train on the built-in images, analyse, draw the figures into runs/demo (about 5 minutes)"
	@echo "make test    every check: lint, types, tests"
	@echo "make unit    the tests alone        make lint    ruff        make types   pyright"
	@echo "make lowest  the core's tests with the lowest versions of all dependencies, in .venv-lowest"
	@echo "make wheel   build wheel and sdist, install each into an empty environment and use it there"
	@echo "make viewer  build the page of the atlas from viewer/ (needs Node 20.19 or later), and test its parts"
	@echo "make screenshot  pictures of the atlas in docs/images, from the study in runs/demo (needs chromium)"
	@echo "make bench   the estimators against naive loops, at the size of the paper (about 20 minutes)"
	@echo "make evidence  what the method is worth: docs/evidence.md from studies of its own (about an hour)"
	@echo "make docs    the documentation as web pages in site/; a broken link or a warning is an error"
	@echo "make clean   remove the environment and what the tools left"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch torchvision
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/patternscope demo

test: lint types unit

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/pyright

# Two processes with a thread each: threads of two processes on the same cores would wait for one another. In the order
# of their folders files with few but long tests come before the many examples of docstrings, and not at the very end.
# Their files lie in memory where there are 8 GB for them: thousands of small ones are written, and synced to the disk.
unit: $(READY)
	room=$$(df -k /dev/shm 2> /dev/null | awk 'NR == 2 && $$4 > 8000000 {print "/dev/shm"}'); \
	files=$$(mktemp -d "$${room:-$${TMPDIR:-/tmp}}/patternscope-XXXXXX") && trap 'rm -rf "$$files"' EXIT && trap 'exit 130' INT TERM HUP && \
	TMPDIR=$$files OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lowest:
	rm -rf $(VENV)-lowest
	$(PYTHON) tests/lowest.py $(VENV)-lowest

wheel: $(READY)
	$(BIN)/python tests/check_wheel.py --out dist

viewer:
	cd viewer && npm ci --no-audit --no-fund && npm run build && npm test

screenshot: $(READY)
	$(BIN)/python docs/tools/images.py runs/demo atlas

bench: $(READY)
	$(BIN)/python benchmarks/run.py

evidence: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[evidence]'
	$(BIN)/python -m evidence

docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(VENV)-lowest site .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
