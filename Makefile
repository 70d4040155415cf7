# Everything runs in .venv, which the targets make and keep in step with uv.lock by themselves (environment/).
# Written for GNU make 3.81, which macOS ships.

TASK ?= taxi
VAR ?= var
# A Python's name or path, where set-up's own choice is not wanted.
PYTHON ?=
OVERLAY ?= staging

.DEFAULT_GOAL := help
SHELL := /bin/bash
RUN := .venv/bin/python
# One stamp for each value of PYTHON, so that another value is noticed without starting anything.
STAMP := .venv/.synced-$(or $(subst $() ,-,$(subst /,-,$(PYTHON))),auto)

# A variable's value as one word of the shell, untouched: `Price ($)`, `Customer's file.csv`. make would expand the $ in
# it, the shell would end the word at the apostrophe, and a line break would end the recipe's line.
define newline


endef
quoted = '$(subst $(newline),'$$'\n'',$(subst ','\'',$(value $1)))'
absolute_var = $(if $(filter /%,$(value VAR)),,$(call quoted,CURDIR)/)$(call quoted,VAR)
# For the environment of what it starts, make would expand the $ in these, too, and stop at an odd one.
unexport CLOUD A B IMAGE EXPERIMENT TAG REMOTE DATA OUT FROM PATTERN SPANS NAME CSV LABEL TEXT NOTE REVIEWER VAR PUSH_TO SIGN REQUESTS LOG WINDOW UNTIL SERVER URL KEY_FILE SCHEDULE LOOK IMAGES

# How long a search may take; of tune, portfolio, and run-local with TUNE.
SEARCH = $(if $(value TRIALS),--trials $(call quoted,TRIALS)) $(if $(value MINUTES),--minutes $(call quoted,MINUTES))

.PHONY: help doctor setup data ingest predict data-pin data-restore disk gc run-local watch airflow kubeflow-compile vertex-compile flink-up flink-down test test-fast test-engine test-orchestrators test-images coverage test-other-stack check format docs docs-figures bench load-test lock protos clean serve gateway clients deploy-render rollout-status pin canary compare promote rollback tune portfolio compare-runs report leaderboard tensorboard review monitor continuous replay test-replay new-task notebooks check-task

define HELP
make TARGET [NAME=value ...]

  doctor, setup, check, format   Find what is missing; install into .venv (PYTHON); run CI's first checks; format code
  data, ingest                   Write the task's rows to var/data/, or as quarters; check spans (SPANS, FROM, PATTERN)
  check-task, run-local, watch   Try a task on 1,000 rows; run the pipeline; run at every save (SPANS, PUSH_TIES, TAG,
                                 EXPERIMENT, DATA, TRAIN_STEPS, INFRA, FORCE, VERBOSE, AT_ONCE, TUNE, PUSH_TO, SIGN)
  airflow, flink-up, flink-down  Start Airflow for a task (SCHEDULE, FROM, LOOK, NODE, PORT); start, stop Flink (ENGINE)
  kubeflow-compile               Compile the pipeline for Kubeflow Pipelines (IMAGE, KUBEFLOW)
  vertex-compile                 Compile the pipeline to a job of Vertex AI (CLOUD)
  tune, portfolio, compare-runs  Search hyperparameters; compare approaches, or runs (TRIALS, MINUTES, SEEDS, A, B)
  report, review, leaderboard    Open a report; record a review (RUN_ID, NOTE, REVIEWER, REQUIRE_REVIEW); list all runs
  new-task, predict              Make a task from a CSV (NAME, CSV, LABEL, PROBLEM, TEXT); predict files (DATA, OUT)
  notebooks, tensorboard         Open JupyterLab on notebooks/ (JUPYTER); show the training curves of all runs (PORT)
  serve, gateway, deploy-render  Serve pushed models; serve end users; write manifests (SERVE, GATEWAY, OVERLAY, IMAGES)
  clients                        Generate a TypeScript client of a running gateway (URL, OUT, KEY_FILE)
  canary, compare, promote       Try a version; compare; keep it (VERSION, PERCENT, REQUESTS, ROLLBACK_ON_FAIL, ROLLOUT)
  rollback, pin, rollout-status  Return to the version before; keep the one that serves now; show which version serves
  monitor, continuous, replay    Test traffic for drift (LOG, WINDOW, UNTIL); retrain (FROM, SERVER, ONCE); replay years
  data-pin, data-restore         Keep the rows that runs read, with DVC; restore those of a run (REMOTE, RUN_ID, OUT)
  test, test-fast, coverage      Run CI's tests; only the quick ones; show lines that no test runs
  test-engine, test-images       Run tests on a Flink cluster; build and run both images (MARK)
  test-orchestrators             Run tests that start Airflow or MariaDB, and rehearse Kubeflow's and Vertex AI's jobs
  test-replay, test-other-stack  Replay every quarter; run the tests of the last commit on the other stack (MARK)
  bench, load-test               Time upstream's example and ours (ROWS, ROUNDS); measure latency and load of serving
  docs, docs-figures             Serve the site of docs/; make its figures from runs
  disk, gc, lock, protos, clean  Show disk use; remove old runs (GC); lock packages (UPGRADE); compile *.proto; clean up

Targets that read a task's files also take (TASK, VAR). `python -m pipelines COMMAND --help` has all options.
make itself ends with status 2 if a command fails; the command's own status is in its last line, as in "Error 1".
endef

help:
	@: $(info $(HELP))

doctor:
	@environment/start doctor

setup: $(STAMP)

# A missing Python, or a link to one that is gone, rules the stamp out.
$(STAMP): pyproject.toml uv.lock .venv/bin/python
	@environment/start setup $(call quoted,STAMP)

.venv/bin/python: ;

data: $(STAMP)
	@$(RUN) -m data.$(call quoted,TASK) --out $(call quoted,VAR)/data/$(call quoted,TASK)$(if $(value SPANS),-spans --spans)

ingest: $(STAMP)
	@$(RUN) -m pipelines ingest --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    --from $(if $(value FROM),$(call quoted,FROM),$(call quoted,VAR)/data/$(call quoted,TASK)-spans) \
	    $(if $(value PATTERN),--pattern $(call quoted,PATTERN))

run_pipeline = $(RUN) -m pipelines run --task $(call quoted,TASK) --var $(call quoted,VAR) \
    $(if $(value DATA),--data $(call quoted,DATA)) $(if $(value TRAIN_STEPS),--train-steps $(call quoted,TRAIN_STEPS)) \
    $(if $(value INFRA),--infra $(call quoted,INFRA)) $(if $(value ENGINE),--engine $(call quoted,ENGINE)) \
    $(if $(value FORCE),--force) $(if $(value SPANS),--spans $(call quoted,SPANS)) \
    $(if $(value VERBOSE),--verbose) $(if $(value AT_ONCE),--at-once $(call quoted,AT_ONCE)) $(if $(value TUNE),--tune $(SEARCH)) \
    $(if $(value REQUIRE_REVIEW),--require-review) $(if $(value PUSH_TIES),--push-ties) \
    $(if $(value EXPERIMENT),--experiment $(call quoted,EXPERIMENT) $(if $(value NOTE),--note $(call quoted,NOTE)) \
        $(if $(value TAG),--tag $(call quoted,TAG)) $(if $(value SEEDS),--seeds $(call quoted,SEEDS))) \
    $(if $(value PUSH_TO),--push-to $(call quoted,PUSH_TO)) $(if $(value SIGN),--sign $(call quoted,SIGN))

check-task: $(STAMP)
	@$(RUN) -m pipelines check --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(if $(value DATA),--data $(call quoted,DATA))

run-local: $(STAMP)
	@$(run_pipeline)

watch: $(STAMP)
	@$(run_pipeline) --watch

predict: $(STAMP)
	@$(RUN) -m pipelines predict --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    --data $(call quoted,DATA) --out $(call quoted,OUT) $(if $(value VERSION),--version $(call quoted,VERSION)) \
	    $(if $(value ENGINE),--engine $(call quoted,ENGINE))

# DVC has an environment of its own, which costs a tenth of a second where it is there.
DVC = $(RUN) -m environment.dvc

data-pin: $(STAMP)
	@dvc=$$($(DVC)) && $(RUN) -m pipelines data-pin --task $(call quoted,TASK) --var $(call quoted,VAR) --dvc "$$dvc" \
	    $(if $(value RUN_ID),--run $(call quoted,RUN_ID)) $(if $(value REMOTE),--remote $(call quoted,REMOTE))

data-restore: $(STAMP)
	@dvc=$$($(DVC)) && $(RUN) -m pipelines data-restore --task $(call quoted,TASK) --var $(call quoted,VAR) --dvc "$$dvc" \
	    $(if $(value RUN_ID),--run $(call quoted,RUN_ID)) $(if $(value OUT),--out $(call quoted,OUT))

# Without GC=--apply it only says what it would remove.
gc: $(STAMP)
	@$(RUN) -m pipelines gc --var $(call quoted,VAR) $(GC)

disk: $(STAMP)
	@$(RUN) -m pipelines disk --var $(call quoted,VAR)

# Airflow has an environment of its own, too. It reads the graph file, and runs until Ctrl-C.
airflow: $(STAMP)
	@$(RUN) -m pipelines node --graph $(call quoted,VAR)/airflow/graphs/$(call quoted,TASK).json \
	    --task $(call quoted,TASK) --var $(call quoted,VAR) $(NODE)
	@$(RUN) -m environment.airflow --folder $(call quoted,VAR)/airflow --graphs $(call quoted,VAR)/airflow/graphs \
	    $(if $(value PORT),--port $(call quoted,PORT)) $(if $(value SCHEDULE),--schedule $(call quoted,SCHEDULE)) \
	    $(if $(value FROM),--spans $(call quoted,FROM)) $(if $(value LOOK),--look $(call quoted,LOOK))

vertex-compile: $(STAMP)
	@$(RUN) -m pipelines submit vertex --compile-only --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(if $(value CLOUD),--cloud $(call quoted,CLOUD)) $(if $(value TRAIN_STEPS),--train-steps $(call quoted,TRAIN_STEPS))

# The pipeline as a file that Kubeflow Pipelines runs; KUBEFLOW takes the other options of `compile kubeflow`.
kubeflow-compile: $(STAMP)
	@$(RUN) -m pipelines node --graph $(call quoted,VAR)/kubeflow/$(call quoted,TASK).json \
	    --task $(call quoted,TASK) --var $(call quoted,VAR) $(NODE)
	@$(RUN) -m pipelines compile kubeflow --graph $(call quoted,VAR)/kubeflow/$(call quoted,TASK).json \
	    --image $(call quoted,IMAGE) --out $(call quoted,VAR)/kubeflow/$(call quoted,TASK).yaml $(KUBEFLOW)

flink-up: $(STAMP)
	@$(RUN) -m environment.flink up --folder $(call quoted,VAR)/flink

flink-down: $(STAMP)
	@$(RUN) -m environment.flink down --folder $(call quoted,VAR)/flink

notebooks: $(STAMP)
	@VAR=$(absolute_var) $(if $(value DATA),DATA=$(call quoted,DATA)) PYTHONPATH=$(call quoted,CURDIR) \
	    JUPYTER_CONFIG_PATH=$(call quoted,CURDIR)/notebooks/config \
	    .venv/bin/jupyter lab --notebook-dir notebooks $(value JUPYTER)

compare-runs: $(STAMP)
	@$(RUN) -m pipelines runs compare --var $(call quoted,VAR) $(call quoted,A) $(call quoted,B)

report: $(STAMP)
	@$(RUN) -m pipelines report --var $(call quoted,VAR) $(if $(value RUN_ID),--run $(call quoted,RUN_ID))

leaderboard: $(STAMP)
	@$(RUN) -m pipelines leaderboard --task $(call quoted,TASK) --var $(call quoted,VAR)

tensorboard: $(STAMP)
	@$(RUN) -m pipelines tensorboard --var $(call quoted,VAR) $(if $(value PORT),--port $(call quoted,PORT))

tune: $(STAMP)
	@$(RUN) -m pipelines tune --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(SEARCH) $(if $(value SEEDS),--seeds $(call quoted,SEEDS))

portfolio: $(STAMP)
	@$(RUN) -m pipelines portfolio --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(SEARCH) $(if $(value SEEDS),--seeds $(call quoted,SEEDS))

review: $(STAMP)
	@$(RUN) -m pipelines review --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(if $(value RUN_ID),--run $(call quoted,RUN_ID)) $(if $(value REVIEWER),--reviewer $(call quoted,REVIEWER)) $(if $(value NOTE),--note $(call quoted,NOTE))

monitor: $(STAMP)
	@$(RUN) -m pipelines monitor --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(if $(value LOG),--log $(call quoted,LOG)) $(if $(value WINDOW),--window $(call quoted,WINDOW)) \
	    $(if $(value UNTIL),--until $(call quoted,UNTIL))

# Pass after pass; ONCE=1 takes one. `python -m pipelines status` shows where it is.
continuous: $(STAMP)
	@$(RUN) -m pipelines continuous --task $(call quoted,TASK) --var $(call quoted,VAR) \
	    $(if $(value FROM),--from $(call quoted,FROM)) $(if $(value PATTERN),--pattern $(call quoted,PATTERN)) \
	    $(if $(value LOG),--log $(call quoted,LOG)) $(if $(value SERVER),--server $(call quoted,SERVER)) \
	    $(if $(value ONCE),--once)

# The task's spans, or those of FROM, through servers of its own, in a folder of its own.
replay: $(STAMP)
	@$(if $(value FROM),:,$(RUN) -m data.$(call quoted,TASK) --out $(call quoted,VAR)/data/$(call quoted,TASK)-spans --spans)
	@$(RUN) -m pipelines replay --task $(call quoted,TASK) --var $(call quoted,VAR)/replay \
	    --from $(if $(value FROM),$(call quoted,FROM),$(call quoted,VAR)/data/$(call quoted,TASK)-spans)

new-task: $(STAMP)
	@$(RUN) -m pipelines new-task --name $(call quoted,NAME) --csv $(call quoted,CSV) --label $(call quoted,LABEL) \
	    $(if $(value PROBLEM),--problem $(call quoted,PROBLEM)) $(if $(value TEXT),--text $(call quoted,TEXT))

test: $(STAMP)
	@$(RUN) -m pytest -n logical --durations 40 --durations-min 1 $(if $(value MARK),-m $(call quoted,MARK))

test-fast: $(STAMP)
	@$(RUN) -m pytest -n logical -m 'not pipeline and not slow'

test-engine: $(STAMP)
	@$(RUN) -m pytest tests/engines -m $(if $(value MARK),$(call quoted,MARK),engine) --durations 10

test-orchestrators: $(STAMP)
	@$(RUN) -m pytest tests -m 'orchestrator or mariadb' --durations 10

test-images: $(STAMP)
	@$(RUN) -m pytest tests/images -m images --capture=no

test-replay: $(STAMP)
	@$(RUN) -m pytest tests/pipelines/replay -m replay

coverage: $(STAMP)
	@rm -rf $(call quoted,VAR)/coverage && mkdir -p $(call quoted,VAR)/coverage
	@COVERAGE_FILE=$(absolute_var)/coverage/data $(RUN) -m tests.coverage_table \
	    -n logical $(if $(value MARK),-m $(call quoted,MARK))

test-other-stack:
	@environment/other_stack make test $(if $(value MARK),MARK=$(call quoted,MARK))

check: $(STAMP)
	@.venv/bin/ruff format --check --quiet . || { echo 'Not formatted: run `make format`.' >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@$(RUN) -m notebooks.committed
	@.venv/bin/codespell
	@$(RUN) -m website.words
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: $(STAMP)
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .
	@$(RUN) -m notebooks.committed --clear

# Serves the site, and builds it again at every save (http://127.0.0.1:8000; PORT). The build is strict.
docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs serve --dev-addr 127.0.0.1:$(if $(value PORT),$(call quoted,PORT),8000)

docs-figures: $(STAMP)
	@$(RUN) -m website.figures --var $(call quoted,VAR)

bench: $(STAMP)
	@$(RUN) -m benchmarks.local_run --out $(call quoted,VAR)/bench \
	    $(if $(value ROWS),--rows $(call quoted,ROWS)) $(if $(value ROUNDS),--repeats $(call quoted,ROUNDS))

load-test: $(STAMP)
	@$(RUN) -m benchmarks.serving --task $(call quoted,TASK) --var $(call quoted,VAR)

deploy-render: $(STAMP)
	@$(RUN) -m environment.manifests $(call quoted,OVERLAY) $(if $(value IMAGES),--images $(call quoted,IMAGES))

serve: $(STAMP)
	@$(RUN) -m serving server --task $(call quoted,TASK) --var $(call quoted,VAR) $(SERVE)

gateway: $(STAMP)
	@$(RUN) -m serving gateway --task $(call quoted,TASK) --var $(call quoted,VAR) $(GATEWAY)

clients: $(STAMP)
	@$(RUN) -m serving clients --out $(if $(value OUT),$(call quoted,OUT),$(call quoted,VAR)/clients/typescript) \
	    $(if $(value URL),--url $(call quoted,URL)) $(if $(value KEY_FILE),--key-file $(call quoted,KEY_FILE))

# The servers were started with this file; docs/how-to/rollout.md.
ROLL := $(RUN) -m serving rollout --model-config-file $(call quoted,VAR)/serving/models.config \
    --model $(call quoted,TASK)

# ROLLOUT follows the command, so that it may hold options of this command, too, such as limits of compare.
rollout-status: $(STAMP)
	@$(ROLL) status $(ROLLOUT)

pin: $(STAMP)
	@$(ROLL) pin $(ROLLOUT)

canary: $(STAMP)
	@$(ROLL) canary $(call quoted,VERSION) --percent $(call quoted,PERCENT) \
	    $(if $(value REQUESTS),--compare $(call quoted,REQUESTS)) $(ROLLOUT)

compare: $(STAMP)
	@$(ROLL) compare $(call quoted,REQUESTS) $(if $(value ROLLBACK_ON_FAIL),--rollback-on-fail) $(ROLLOUT)

promote: $(STAMP)
	@$(ROLL) promote $(ROLLOUT)

rollback: $(STAMP)
	@$(ROLL) rollback $(ROLLOUT)

# protoc 25, the last whose code both stacks' protobuf runtimes (4.25 and 6.33) accept.
protos:
	@uvx --from 'grpcio-tools==1.62.3' python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. \
	    $$(git ls-files '*.proto')

lock:
	@environment/start uv lock $(if $(value UPGRADE),--upgrade)

clean:
	@rm -rf .venv .venv-dvc .venv-airflow .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
