"""Run by Airflow's own Python: prints as JSON what the DAGs are, and what becomes of a task by its exit status."""

import contextlib
import datetime
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
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


def announce_spans(operators: Any, folder: Path) -> dict[str, str]:
    """What is announced by the record of an ingestion: by its spans' state, task, and time."""
    began = datetime.datetime(2026, 1, 31, 23, 59, 59, 500_000, tzinfo=datetime.UTC)
    cases = {
        "accepted": ("accepted", "own.trips", began),
        "unchanged": ("unchanged", "own.trips", began),
        "of another task": ("accepted", "wide", began),
        "of an earlier run": ("accepted", "own.trips", began - datetime.timedelta(seconds=2)),
    }
    found = {}
    for name, (state, task, ended) in cases.items():
        record = folder / name / "20260131-235959" / "summary.json"
        record.parent.mkdir(parents=True)
        spans = [{"span": "2014Q1", "state": state}]
        record.write_text(json.dumps({"task": task, "ended": ended.isoformat(timespec="seconds"), "spans": spans}))
        operator = operators.AcceptedSpansOperator(task_id="a", ingestions=str(folder / name), package="own.trips")
        context = {"dag_run": SimpleNamespace(start_date=began)}
        found[name] = outcome(lambda operator=operator, context=context: operator.execute(context))
    return found


def announce_versions(operators: Any, folder: Path) -> dict[str, str]:
    """What is announced by the record of a run."""
    found = {}
    for status, pushed in (("pushed", {"new": True, "path": "/v"}), ("in place", {"new": False}), ("tie", None)):
        record = folder / f"{status}.json"
        record.write_text(json.dumps({"status": status, "pushed": pushed}))
        operator = operators.NewVersionOperator(task_id="n", record=str(record))
        found[status] = outcome(lambda operator=operator: operator.execute({}))
    return found


def kill_hung(operators: Any, folder: Path) -> int:
    """Kills a task whose command does not hear SIGTERM, and returns the command's status."""
    operators._GRACE = 0.2
    hung = folder / "hung"
    hung.write_text("#!/bin/sh\ntrap '' TERM\ntouch \"$0.begun\"\nwhile :; do sleep 0.05; done\n")
    hung.chmod(0o755)
    os.environ["PIPELINES_PYTHON"] = str(hung)
    task = operators.CommandOperator(task_id="h", arguments=[], final=())

    def stop(*_: object) -> None:
        if not Path(f"{hung}.begun").exists():
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        task.on_kill()
        raise InterruptedError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    with contextlib.suppress(InterruptedError):
        task.execute({})
    deadline = time.monotonic() + 20
    while task._hook.sub_process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    task.on_kill()  # once more: it is gone
    return task._hook.sub_process.returncode


def main(folder: Path) -> None:
    sys.path.insert(0, str(DAGS))
    # Airflow has the folder of the DAGs on its path, too.
    pipelines_dag, operators = map(importlib.import_module, ("pipelines_dag", "pipelines_operators"))

    program = folder / "python"
    program.write_text(
        '#!/bin/sh\nfor status; do :; done\necho "exit $status"; [ "$status" = kill ] && kill -9 $$; exit "$status"\n'
    )
    program.chmod(0o755)
    os.environ["PIPELINES_PYTHON"] = str(program)
    outcomes = {}
    for status in ("0", "1", "2", "3", "4", "130", "kill"):
        task = operators.CommandOperator(task_id="t", arguments=[status], final=(1, 2))
        outcomes[status] = outcome(lambda task=task: task.execute({}))
    announced = announce_spans(operators, folder) | announce_versions(operators, folder)
    hung = kill_hung(operators, folder)
    dags = {dag.dag_id: dag for dag in pipelines_dag.make_dags(os.environ)}
    ours = sorted({name.partition(".")[0] for name in sys.modules} & {"pipelines", "components", "serving", "data"})
    looping = pipelines_dag.make_dags({**os.environ, "PIPELINES_SCHEDULE": "continuous"})
    schedules = {dag.dag_id: repr(dag.schedule) for dag in looping}
    graphs = Path(os.environ["PIPELINES_GRAPHS"])
    (graphs / "twice.json").write_text((graphs / "trips.json").read_text())
    twice = outcome(lambda: pipelines_dag.make_dags(os.environ))
    found = {
        "twice": twice,
        "looping": schedules,
        "dags": describe_dags(dags),
        "outcomes": outcomes,
        "announced": announced,
        "hung": hung,
        "ours": ours,
    }
    Path(folder, "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
