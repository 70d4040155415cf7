# Everything runs in .venv, which the targets make and keep in step with uv.lock by themselves (environment/).
# Written for GNU make 3.81, which macOS ships.

TASK ?= taxi
VAR ?= var
PYTHON ?=
OVERLAY ?= staging

.DEFAULT_GOAL := help
SHELL := /bin/bash
RUN := .venv/bin/python
# One stamp for each value of PYTHON, so that another value is noticed without starting anything.
nothing :=
STAMP := .venv/.synced-$(or $(subst $(nothing) ,-,$(subst /,-,$(PYTHON))),auto)
# Any Python that starts can do the set-up, which finds the right one; the first on PATH may be a shim that does not start.
SYSTEM_PYTHON = PYTHON='$(PYTHON)' $(or $(shell for python in python3 /usr/bin/python3 '$(PYTHON)'; do \
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && echo "$$python" && break; \
    done),python3)

# How long a search may take; of tune, portfolio, and run-local with TUNE.
SEARCH = $(if $(TRIALS),--trials '$(TRIALS)') $(if $(MINUTES),--minutes '$(MINUTES)')

.PHONY: help doctor setup data run-local test test-fast coverage test-other-stack check format bench load-test lock protos clean serve gateway deploy-render rollout-status pin canary compare promote rollback tune portfolio report review new-task notebooks

help: ## This list
	@printf 'make TARGET [NAME=value ...]\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' Makefile
	@echo
	@printf '  %-18s %s\n' \
	    'TASK=taxi' 'which folder of pipelines/' \
	    'DATA=path' 'your own CSV file or folder, for run-local' \
	    'VAR=var' 'where everything that is produced goes' \
	    'TRAIN_STEPS=n' 'shorter or longer training, for run-local' \
	    'INFRA=docker' 'run-local: TensorFlow Serving itself, in Docker, must serve a model, too' \
	    'FORCE=1' 'run-local: run every node, whatever the cache holds' \
	    'VERBOSE=1' 'run-local: show the whole log' \
	    'TUNE=1' 'run-local: search for hyperparameters instead of taking the committed ones' \
	    'REQUIRE_REVIEW=1' 'run-local: push only what was reviewed (docs/review.md)' \
	    'PUSH_TO=path' 'run-local: push there instead of var/serving/' \
	    'TRIALS=n' 'tune, portfolio: sets of hyperparameters at most, each approach' \
	    'MINUTES=n' 'tune, portfolio: time at most, each approach' \
	    'SEEDS=n' 'tune, portfolio: trainings of the best, each with a seed of its own' \
	    'RUN_ID=id' 'report, review: another run than the newest' \
	    'NOTE=text' 'review: what you looked at, and what you think of it' \
	    'REVIEWER=name' 'review: instead of the name that git knows' \
	    'NAME=x' 'new-task: what the task is called' \
	    'CSV=path' 'new-task: the rows, with a header' \
	    'LABEL=column' 'new-task: what is to be predicted' \
	    'PROBLEM=kind' 'new-task: binary, multiclass or regression, where the guess is wrong' \
	    'JUPYTER=options' 'notebooks: more of them, such as --no-browser' \
	    'OVERLAY=production' 'deploy-render: instead of staging' \
	    'VERSION=n' 'canary: which version' \
	    'PERCENT=p' 'canary: its share of the requests, 0 to 100' \
	    'REQUESTS=path' 'compare, canary: the request log, or rows as JSON lines' \
	    'ROLLBACK_ON_FAIL=1' 'compare: end the trial when the canary is worse' \
	    'SERVE=options' 'serve: more of them, such as --enable_batching (python -m serving server --help)' \
	    'GATEWAY=options' 'gateway: more of them, such as --port 9000 (python -m serving gateway --help)' \
	    'ROLLOUT=options' 'of the roll-out, such as --server (python -m serving rollout --help)' \
	    'MARK=marks' 'test, coverage, test-other-stack: only tests with these pytest marks' \
	    'PYTHON=python3.11' 'instead of the Python that set-up would choose (make doctor says which)'
	@printf '\nmake ends with 2 whenever a command fails; the command'"'"'s own status stands in its last line, as in "Error 1".\n'

doctor: ## Which stack this machine gets and why, what is missing, and the fix
	@$(SYSTEM_PYTHON) -m environment.doctor

setup: $(STAMP) ## Make .venv (every target below does this by itself, once)

$(STAMP): pyproject.toml uv.lock .venv/bin/python
	@$(SYSTEM_PYTHON) -m environment.setup '$@'

# Missing, or a link to a Python that is gone: the stamp means nothing then.
.venv/bin/python: ;

data: $(STAMP) ## Prepare the task's rows under var/data/ (no network)
	@$(RUN) -m data.$(TASK) --out '$(VAR)/data/$(TASK)'

run-local: $(STAMP) ## The whole pipeline on this machine: from rows to a pushed model
	@$(RUN) -m pipelines.runner --task '$(TASK)' --var '$(VAR)' $(if $(DATA),--data '$(DATA)') \
	    $(if $(TRAIN_STEPS),--train-steps '$(TRAIN_STEPS)') $(if $(INFRA),--infra '$(INFRA)') $(if $(FORCE),--force) \
	    $(if $(VERBOSE),--verbose) $(if $(TUNE),--tune $(SEARCH)) $(if $(REQUIRE_REVIEW),--require-review) \
	    $(if $(PUSH_TO),--push-to '$(PUSH_TO)')

notebooks: $(STAMP) ## JupyterLab on notebooks/: explore, prototype, compare, inspect a run, step through the pipeline
	@VAR='$(abspath $(VAR))' PYTHONPATH='$(CURDIR)' JUPYTER_CONFIG_PATH='$(CURDIR)/notebooks/config' \
	    .venv/bin/jupyter lab --notebook-dir notebooks $(JUPYTER)

report: $(STAMP) ## Open the newest run's report (RUN_ID=id: another one's)
	@$(RUN) -m pipelines.report --var '$(VAR)' $(if $(RUN_ID),--run '$(RUN_ID)')

tune: $(STAMP) ## Search for better hyperparameters, and propose a change of the task's file
	@$(RUN) -m pipelines.tune --task '$(TASK)' --var '$(VAR)' \
	    $(SEARCH) $(if $(SEEDS),--seeds '$(SEEDS)')

portfolio: $(STAMP) ## Each approach within one budget: what it may reach, what it costs, how likely it is the best
	@$(RUN) -m pipelines.portfolio --task '$(TASK)' --var '$(VAR)' \
	    $(SEARCH) $(if $(SEEDS),--seeds '$(SEEDS)')

review: $(STAMP) ## Record that you reviewed the task as the newest run trained it, with a NOTE
	@$(RUN) -m pipelines.review --task '$(TASK)' --var '$(VAR)' $(if $(RUN_ID),--run '$(RUN_ID)') \
	    $(if $(REVIEWER),--reviewer "$$REVIEWER") $(if $(NOTE),--note "$$NOTE")

new-task: $(STAMP) ## A task of your own from a CSV file: NAME, CSV and LABEL, then make run-local TASK=name
	@$(RUN) -m pipelines.scaffold --name '$(NAME)' --csv '$(CSV)' --label '$(LABEL)' $(if $(PROBLEM),--problem '$(PROBLEM)')

test: $(STAMP) ## All tests, whole-pipeline runs included
	@$(RUN) -m pytest -n logical --durations 40 --durations-min 1 $(if $(MARK),-m '$(MARK)')

test-fast: $(STAMP) ## The tests that run no pipeline and start next to nothing
	@$(RUN) -m pytest -n logical -m 'not pipeline and not slow'

coverage: $(STAMP) ## The modules of which the tests run less than 85%, lines and branches; as long as `make test`, and more
	@rm -rf '$(VAR)/coverage' && mkdir -p '$(VAR)/coverage'
	@COVERAGE_FILE='$(abspath $(VAR))/coverage/data' $(RUN) -m tests.coverage_table \
	    -n logical $(if $(MARK),-m '$(MARK)')

test-other-stack: ## All tests of the last commit on the other stack, in a Debian root where this machine cannot have it
	@PYTHON='$(PYTHON)' environment/other_stack make test $(if $(MARK),MARK='$(MARK)')

check: $(STAMP) ## Format, lint, types, import contracts: what CI checks first
	@.venv/bin/ruff format --check --quiet . || { echo 'Not formatted: run `make format`.' >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: $(STAMP) ## Format, and fix what the linter can
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

bench: $(STAMP) ## Upstream's example against ours, into var/bench/
	@$(RUN) -m benchmarks.local_run --out '$(VAR)/bench'

load-test: $(STAMP) ## Latency and throughput of REST, gRPC and gateway, and version swaps under load, into var/bench/
	@$(RUN) -m benchmarks.serving --task '$(TASK)' --var '$(VAR)'

deploy-render: $(STAMP) ## What would be applied to Kubernetes (docs/deploy.md)
	@.venv/bin/kubectl kustomize 'serving/deploy/kubernetes/overlays/$(OVERLAY)'

serve: $(STAMP) ## The pushed models over TensorFlow Serving's API: REST on port 8501, gRPC on 8500
	@$(RUN) -m serving server --task '$(TASK)' --var '$(VAR)' $(SERVE)

gateway: $(STAMP) ## What end users call, on port 8080: a page, and POST /v1/tip; before the server of `make serve`
	@$(RUN) -m serving gateway --task '$(TASK)' --var '$(VAR)' $(GATEWAY)

# The servers were started with this file; docs/rollout.md.
ROLL := $(RUN) -m serving rollout --model-config-file '$(VAR)/serving/models.config' --model '$(TASK)' $(ROLLOUT)

rollout-status: $(STAMP) ## Versions on disk and on the servers, labels, the canary's share, the last steps
	@$(ROLL) status

pin: $(STAMP) ## Keep the version that answers now: a push alone changes nothing from then on
	@$(ROLL) pin

canary: $(STAMP) ## Try VERSION beside the stable one, with PERCENT of the requests
	@$(ROLL) canary '$(VERSION)' --percent '$(PERCENT)' $(if $(REQUESTS),--compare '$(REQUESTS)')

compare: $(STAMP) ## Replay REQUESTS on the stable version and the canary, with a verdict
	@$(ROLL) compare '$(REQUESTS)' $(if $(ROLLBACK_ON_FAIL),--rollback-on-fail)

promote: $(STAMP) ## Make the canary the stable version
	@$(ROLL) promote

rollback: $(STAMP) ## Repair a killed step; or end the trial; or go back to the version before
	@$(ROLL) rollback

# protoc 25, the last whose code both stacks' protobuf runtimes (4.25 and 6.33) accept.
protos: ## Generate the Python code of the .proto files
	@uvx --from 'grpcio-tools==1.62.3' python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. \
	    $$(git ls-files '*.proto')

lock: ## Write uv.lock anew after an edit of pyproject.toml (UPGRADE=1: newest versions)
	@$(SYSTEM_PYTHON) -m environment.setup --lock $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv, .uv and the tools' caches; var/, with data and pushed models, stays
	@rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
