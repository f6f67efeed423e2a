# Everything a change has to pass: make check. PYTHON is the interpreter of an environment with `pip install -e .[dev]`.
PYTHON ?= python

.PHONY: check format lint types walls tests quick bench bench-gpu bench-daemon bench-tui faults

check: format lint types walls tests

format:
	$(PYTHON) -m ruff format --check .

lint:
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

walls:
	$(PYTHON) -c "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"

tests:
	$(PYTHON) -m pytest -q -n 2 --cov --cov-report=term:skip-covered

quick:
	$(PYTHON) -m pytest -q -n 2 -m "not slow"

# figures of the engine; docs/performance.md tells what they mean
bench:
	$(PYTHON) -m tests.bench

# the wide search and a refinement on a card, where there is one
bench-gpu:
	$(PYTHON) -m tests.bench.card

# figures of the daemon: answers, starts, adoption, memory
bench-daemon:
	$(PYTHON) -m tests.bench.daemon

# figures of the terminal interface: first paint, bytes, echo of keys, memory
bench-tui:
	$(PYTHON) -m tests.bench.tui

# every fault, many times; writes docs/reliability.md
faults:
	$(PYTHON) -m tests.faults.report
