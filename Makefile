# Plain verbs; `make help` lists them. Every target sets up .venv by itself when it has to.

TASK ?= taxi
VAR ?= var
PYTHON ?=
export PYTHON

VENV := .venv
# One stamp for each choice of Python: another PYTHON means another environment.
READY := $(VENV)/.ready-$(subst /,_,$(PYTHON))
RUN := $(VENV)/bin/python
OPTIONS := --task $(TASK) --var $(VAR) $(if $(DATA),--data $(DATA)) $(if $(TRAIN_STEPS),--train-steps $(TRAIN_STEPS)) \
	$(if $(FORCE),--force) $(if $(VERBOSE),--verbose)

.PHONY: help doctor setup data run-local check format test-fast test test-other-stack bench lock clean
.DEFAULT_GOAL := help

help:  ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: TASK=$(TASK) VAR=$(VAR) DATA=<csv file or folder> TRAIN_STEPS=n FORCE=1 VERBOSE=1 PYTHON=python3.x"

doctor:  ## Say which stack this machine gets, and what is missing
	@"$$(command -v python3 || command -v python3.13 || command -v python3.12 || command -v python3.11 || echo python3)" \
		environment/stack.py doctor

setup: $(READY)  ## Make .venv from uv.lock (the other targets do it when needed)

data: $(READY)  ## Prepare the taxi trips below VAR, without running anything
	@$(RUN) -m data.taxi --out $(VAR)/data/taxi

run-local: $(READY)  ## Run the whole training pipeline on this machine
	@$(RUN) -m pipelines.local $(OPTIONS)

check: $(READY)  ## Format, lint, types, import contracts
	@$(RUN) -m ruff format --check --quiet . || { echo "not formatted: make format"; exit 1; }
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports --no-timing 2>&1 | tail -n 4; $(VENV)/bin/lint-imports >/dev/null 2>&1

format: $(READY)  ## Format the code, and fix what can be fixed
	@$(RUN) -m ruff check --quiet --fix-only .
	@$(RUN) -m ruff format --quiet .

test-fast: $(READY)  ## Run the tests that start no pipeline
	@$(RUN) -m pytest -m "not pipeline"

test: $(READY)  ## Run all tests
	@$(RUN) -m pytest

test-other-stack:  ## Run all tests on the current stack, in a Debian 13 root (as root)
	@environment/debian13.sh make test

bench: $(READY)  ## Compare a local run with upstream's own example
	@$(RUN) -m benchmarks.local_run --out $(VAR)/bench

lock: $(READY)  ## Resolve the dependencies anew
	@"$$(command -v uv || echo .uv/bin/uv)" lock

clean:  ## Remove what the tools cached; data, runs and models under VAR stay
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.uv/*' -prune -exec rm -rf {} +

$(READY): pyproject.toml uv.lock environment/setup.sh environment/stack.py environment/uv.txt
	@sh environment/setup.sh $@
