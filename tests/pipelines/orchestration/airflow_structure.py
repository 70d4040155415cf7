"""Run by Airflow's own Python: prints as JSON what the DAGs are, and what becomes of a task by its exit status."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
DAGS = PROJECT / "pipelines" / "orchestration" / "airflow" / "dags"


def describe_dags(dags: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "schedule": repr(dag.schedule),
            "active": [dag.max_active_runs, dag.max_active_tasks],
            "tasks": {
                task.task_id: {
                    "upstream": sorted(task.upstream_task_ids),
                    "arguments": getattr(task, "arguments", []),
                    "retries": task.retries,
                    "minutes": task.execution_timeout.total_seconds() / 60 if task.execution_timeout else None,
                    "slots": task.pool_slots,
                    "rule": task.trigger_rule.value,
                    "outlets": [asset.name for asset in task.outlets],
                }
                for task in dag.tasks
            },
        }
        for name, dag in dags.items()
    }


def outcome(run: Any) -> str:
    try:
        run()
    except Exception as error:
        return type(error).__name__
    return "success"


def main(folder: Path) -> None:
    sys.path.insert(0, str(DAGS))
    pipelines_dag = importlib.import_module("pipelines_dag")  # Airflow has the folder of the DAGs on its path, too.

    program = folder / "python"
    program.write_text(
        '#!/bin/sh\nfor status; do :; done\necho "exit $status"; [ "$status" = kill ] && kill -9 $$; exit "$status"\n'
    )
    program.chmod(0o755)
    os.environ["PIPELINES_PYTHON"] = str(program)
    outcomes = {}
    for status in ("0", "1", "2", "3", "4", "130", "kill"):
        task = pipelines_dag.CommandOperator(task_id="t", arguments=[status], final=(1, 2))
        outcomes[status] = outcome(lambda task=task: task.execute({}))
    spans = {}
    for state in ("accepted", "unchanged"):
        record = folder / state / "20260131-235959" / "summary.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"spans": [{"span": "2014Q1", "state": state}]}))
        operator = pipelines_dag.AcceptedSpansOperator(task_id="a", ingestions=str(folder / state))
        spans[state] = outcome(lambda operator=operator: operator.execute({}))
    dags = {dag.dag_id: dag for dag in pipelines_dag.make_dags(os.environ)}
    ours = sorted({name.partition(".")[0] for name in sys.modules} & {"pipelines", "components", "serving", "data"})
    looping = pipelines_dag.make_dags({**os.environ, "PIPELINES_SCHEDULE": "continuous"})
    schedules = {dag.dag_id: repr(dag.schedule) for dag in looping}
    found = {"looping": schedules, "dags": describe_dags(dags), "outcomes": outcomes, "spans": spans, "ours": ours}
    Path(folder, "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
