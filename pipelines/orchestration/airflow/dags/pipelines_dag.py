"""Make Airflow's DAGs: for each graph file one that runs the pipeline, one for ingestion, and one for retraining.

A task runs `python -m pipelines node` in the project's own environment; its output is the task's log. This file imports
pipelines_operators, and nothing else of the project. It reads from the environment:

    PIPELINES_GRAPHS    folder of the graph files, which `python -m pipelines node --graph FILE` writes
    PIPELINES_PROJECT   the project's folder
    PIPELINES_PYTHON    the project's Python
    PIPELINES_SCHEDULE  when runs begin. `spans`: after spans were accepted. A cron expression: at these times.
                        `continuous`: when the retraining loop decides to train. Empty: when a person starts one
    PIPELINES_SPANS     folder of arriving spans; without it there are no DAGs for ingestion and retraining
    PIPELINES_LOOK      cron expression: when ingestion, or the retraining loop, reads that folder
"""

from __future__ import annotations

import datetime
import itertools
import json
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, TriggerRule
from pipelines_operators import AcceptedSpansOperator, CommandOperator, NewVersionOperator

FORMAT = 1  # of the graph file
MEMORY_POOL = "pipelines_memory"  # a slot is a GiB
FINISH, ANNOUNCE = "finish", "announce"  # tasks that are no nodes
SPANS, CONTINUOUS = "spans", "continuous"  # schedules
REFUSED, WRONG_USE = 1, 2  # exit statuses; commands other than `node` also end with 2 if the folder is busy
_RETRIES = 2  # of `finish`; the graph holds those of nodes
_RETRY_DELAY = datetime.timedelta(seconds=10)
_START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
# The form of `run`'s ids, the time first. The number at the end differs between DAGs that are due at the same moment.
_RUN_ID = "{{{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S-%f') }}}}{number:05d}"


def read_graph(file: Path) -> Mapping[str, Any]:
    """Read a graph file.

    Args:
        file: which `python -m pipelines node --graph` wrote.

    Returns:
        The graph.

    Raises:
        ValueError: Another version of the project wrote it.
    """
    graph = json.loads(file.read_text())
    if graph.get("format") != FORMAT:
        raise ValueError(
            f"{file}: expected format {FORMAT}, received {graph.get('format')}; write it again with "
            "`python -m pipelines node --graph FILE`"
        )
    return graph


def make_run_dag(graph: Mapping[str, Any], schedule: str) -> DAG:
    """Return the DAG of a run: its nodes; `finish`, which ends the run also if nodes failed; and `announce`."""
    task = graph["task"]
    run_id = _RUN_ID.format(number=zlib.crc32(task.encode()) % 100_000)
    with DAG(
        task,
        description=f"Trains, gates and pushes {task}; a task is a node of the pipeline",
        schedule=[_spans(graph)] if schedule == SPANS else schedule or None,
        start_date=_START,
        catchup=False,
        max_active_runs=1,  # a run compares its model with the one pushed last
        # SQLite allows ML Metadata one writer; with MySQL the memory pool is the limit.
        max_active_tasks=16 if graph["parallel"] else 1,
        tags=["pipelines"],
        default_args={"retry_delay": _RETRY_DELAY, "retry_exponential_backoff": True},
    ) as dag:
        tasks = {node["id"]: _make_node(graph, node, run_id) for node in graph["nodes"]}
        for node in graph["nodes"]:
            for earlier in node["upstream"]:
                tasks[earlier] >> tasks[node["id"]]
        finish = CommandOperator(
            task_id=FINISH,
            arguments=[*graph["arguments"], "--run-id", run_id, "--finish"],
            final=(REFUSED, WRONG_USE),
            trigger_rule=TriggerRule.ALL_DONE,
            doc_md="Writes the run's record and its report; fails where nothing could be pushed.",
            retries=_RETRIES,
            pool=MEMORY_POOL,
        )
        announce = NewVersionOperator(
            task_id=ANNOUNCE,
            record=f"{graph['var']}/runs/{run_id}/summary.json",
            outlets=[Asset(f"{task}-model")],
            doc_md="Announces the model to other DAGs; skipped where no new version was pushed.",
        )
        list(tasks.values()) >> finish >> announce
    return dag


def make_ingestion_dag(graph: Mapping[str, Any], folder: str, schedule: str) -> DAG:
    """Return the DAG that ingests new spans; with the schedule `spans`, accepted spans begin a run."""
    with DAG(f"{graph['task']}_ingest", **_around(schedule, f"Ingests spans of {graph['task']}")) as dag:
        ingest = CommandOperator(
            task_id="ingest",
            arguments=["ingest", *_task_arguments(graph), "--from", folder],
            final=(REFUSED,),
            retries=1,
            pool=MEMORY_POOL,
        )
        accepted = AcceptedSpansOperator(
            task_id="accepted",
            ingestions=str(Path(graph["var"], "ingestions")),
            package=graph["package"],
            outlets=[_spans(graph)],
            trigger_rule=TriggerRule.ALL_DONE,
        )
        # If a span was refused, `accepted` still announces the others; `none_refused` marks the DAG's run as failed.
        ingest >> [accepted, EmptyOperator(task_id="none_refused")]
    return dag


def make_loop_dag(graph: Mapping[str, Any], folder: str, schedule: str) -> DAG:
    """Return the DAG of one pass of the retraining loop (`python -m pipelines continuous --once`)."""
    with DAG(f"{graph['task']}_continuous", **_around(schedule, f"One pass of the loop of {graph['task']}")) as dag:
        CommandOperator(
            task_id="pass",
            arguments=["continuous", *_task_arguments(graph), "--once", "--from", folder, *_signing(graph)],
            final=(REFUSED,),
            retries=1,
            pool=MEMORY_POOL,
        )
    return dag


def make_dags(environment: Mapping[str, str]) -> list[DAG]:
    """Make the DAGs of every graph file.

    Args:
        environment: the environment variables that the module's docstring lists.

    Returns:
        The DAGs.

    Raises:
        ValueError: Two graph files are of the same task, so their DAGs would have the same names.
    """
    folder, schedule = environment.get("PIPELINES_SPANS", ""), environment.get("PIPELINES_SCHEDULE", "")
    look, loops = environment.get("PIPELINES_LOOK", ""), schedule == CONTINUOUS
    dags: list[DAG] = []
    files: dict[str, Path] = {}
    for file in sorted(Path(environment["PIPELINES_GRAPHS"]).glob("*.json")):
        graph = read_graph(file)
        if (other := files.setdefault(graph["task"], file)) != file:
            raise ValueError(
                f"{file}: expected one graph file for the task {graph['task']}, received {other} as well; remove one"
            )
        dags.append(make_run_dag(graph, "" if loops else schedule))
        if folder:
            dags.append(make_ingestion_dag(graph, folder, "" if loops else look))
            dags.append(make_loop_dag(graph, folder, look if loops else ""))
    return dags


def _make_node(graph: Mapping[str, Any], node: Mapping[str, Any], run_id: str) -> CommandOperator:
    return CommandOperator(
        task_id=node["id"],
        arguments=[*graph["arguments"], "--run-id", run_id, "--node", node["id"]],
        final=(REFUSED, WRONG_USE),
        doc_md=f"{node['id']} {node['what']}.",
        retries=node["retries"],
        execution_timeout=datetime.timedelta(minutes=node["timeout_minutes"]),
        pool=MEMORY_POOL,
        pool_slots=math.ceil(node["memory_bytes"] / 2**30),
    )


def _around(schedule: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "schedule": schedule or None,
        "start_date": _START,
        "catchup": False,
        "max_active_runs": 1,
        "tags": ["pipelines"],
    }


def _task_arguments(graph: Mapping[str, Any]) -> list[str]:
    """Return the options that name the task and the folder."""
    return ["--task", graph["package"], "--var", graph["var"]]


def _signing(graph: Mapping[str, Any]) -> list[str]:
    """Return the signing options among the graph's arguments."""
    pairs = itertools.pairwise(graph["arguments"])
    return [word for pair in pairs if pair[0] in ("--sign", "--sign-command") for word in pair]


def _spans(graph: Mapping[str, Any]) -> Asset:
    return Asset(f"{graph['task']}-spans")


for _dag in make_dags(os.environ):
    globals()[_dag.dag_id] = _dag
