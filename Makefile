# Every target first sets up what it needs (a virtual environment in .venv), so each of them works from a fresh clone.
#
# On Linux, PyPI's torch brings two gigabytes of CUDA libraries. Without an NVIDIA GPU, the small build does:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The first of these that is 3.11 or newer makes the environment; 3.11 is what the constraints were tested with.
PYTHONS := python3.11 python3.12 python3.13 python3
RUNS := runs/majority_shipped runs/nearest_shipped runs/quickstart

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check format benchmark prompts clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(READY) ## Make .venv and install everything, at the tested versions

demo: $(READY) ## Train on the corpus that ships, compare with two baselines, write a report
	$(BIN)/prc-emo run majority_shipped
	$(BIN)/prc-emo run nearest_shipped
	$(BIN)/prc-emo run quickstart
	$(BIN)/prc-emo compare $(RUNS)
	@echo "The report, for a browser:"
	@$(BIN)/prc-emo report $(RUNS) --out runs/report.html

# The models of these tests are so small that threads only wait for each other: one is several times quicker than two. Two
# processes share the tests, whole files each, since what is made once for a file is made once then.
test: export OMP_NUM_THREADS ?= 1
test: $(READY) ## Run the tests that need neither network, GPU nor corpora
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

test-all: $(READY) ## Run the slow tests too, and those on real corpora (PRC_EMO_DATA, or ../shared/data)
	$(BIN)/python -m pytest -q -m "not gpu and not network and not browser"

check: $(READY) ## Lint, formatting, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Fix what can be fixed by machine
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(READY) ## Measure scoring, training and retrieval beside the plain way
	$(BIN)/python scripts/benchmark.py

prompts: $(READY) ## Render the golden prompts anew; then read the diff of tests/prompts/golden
	$(BIN)/python tests/prompts/update_golden.py

clean: ## Remove caches and build leftovers; .venv, runs, stores and data stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { \
	  for python in $(PYTHONS); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; then \
	      echo "Making $(VENV) with $$("$$python" --version)."; \
	      exec "$$python" -m venv --clear $(VENV); \
	    fi; \
	  done; \
	  echo "No Python 3.11 or newer here: tried $(PYTHONS). Install one, or say where it is: make PYTHONS=/path/to/python3" >&2; \
	  exit 1; \
	}
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[cpu,offline,endpoint,chat,serve,speech,dev]'
	@touch $@
