"""Runs of one task as a leaderboard shows them: pushed, refused, an experiment, unfinished."""

import json
from pathlib import Path

from pipelines.nodes import EXAMPLE_GEN, TRAINER
from pipelines.runner.summary import EXPERIMENT, Experiment, Summary
from pipelines.runs.intervals import INTERVALS_FILE, MetricInterval, write_intervals
from tests.pipelines.runs.made_history import MadeHistory
from tests.pipelines.runs.made_runs import summary, write

FIRST, REFUSED, TRIED, KILLED = "20261121-090000", "20261121-100000", "20261121-110000", "20261121-120000"
REASON = "auc on overall is 0.9300: NOT at least 0.94"
WHY = "too few rows at night"


def write_runs(var: Path) -> None:
    """Writes four runs, the last of them killed; the second has other data, the third other code."""
    first, refused, tried = summary(FIRST), summary(REFUSED, status="refused"), summary(TRIED, status=EXPERIMENT)
    refused.metrics = {"overall": {"auc": 0.93, "example_count": 4993.0}}
    refused.rows = {"train": 20_000, "eval": 4_993}
    tried.metrics = {"overall": {"auc": 0.96, "example_count": 4993.0}, "pay = Cash": {"auc": 0.7}}
    tried.experiment = Experiment(name="night", note="an hour's sine", tags=["hours"])
    tried.not_pushed = "experiment night"
    for place, one in enumerate((first, refused, tried)):
        one.started = f"2026-11-21T{9 + place:02}:00:00+00:00"
        one.task_files = {"model.py": "a" * 64, "features.py": ("b" if one is tried else "c") * 64}
    write(var, first, refused, tried)
    edit(var, FIRST, review={"required": False, "state": "valid", "reason": "", "reviewer": "A. Person"} | _NO_REVIEW)
    edit(var, REFUSED, gates=[{"gate": "Evaluator", "passed": False, "reasons": [REASON]}])
    (var / "runs" / KILLED).mkdir()
    (var / "runs" / TRIED / "notes.jsonl").write_text(
        f'{{"time": "t", "note": "{WHY}"}}\n{{"time": "t", "tags": ["x"]}}\n'
    )
    found = {
        "auc": MetricInterval(low=0.95, high=0.97, change=0.01, change_low=0.004, change_high=0.016, meaning="better")
    }
    (var / "runs" / TRIED / INTERVALS_FILE).write_text(write_intervals(found, 0.95, 300))
    made = MadeHistory(var)
    for run, fingerprint, steps in ((FIRST, "f1", 100), (REFUSED, "f2", 100), (TRIED, "f1", 300)):
        add_steps(made, run, fingerprint, steps)


_NO_REVIEW = {"date": None, "run_id": None, "note": None}


def add_steps(made: MadeHistory, run: str, fingerprint: str, steps: int) -> None:
    """Files what ExampleGen and Trainer of a run did."""
    told = {"input_base": "/rows", "input_config": json.dumps({"splits": [{"name": "all", "pattern": "*"}]})}
    properties: dict[str, int | str] = {"input_fingerprint": fingerprint, "split": "by row"}
    (examples,) = made.ran(run, EXAMPLE_GEN, {"examples": "Examples"}, told={**told}, properties=properties)
    config = {"settings": {"train_steps": steps, "warm_start": False}}
    told = {"custom_config": json.dumps(config), "train_args": json.dumps({"num_steps": steps})}
    made.ran(run, TRAINER, {"model": "Model"}, inputs={"examples": examples}, told={**told})


def edit(var: Path, run: str, **fields: object) -> None:
    """Changes fields of a run's record."""
    path = var / "runs" / run / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def made_run(run_id: str, auc: float, hour: int) -> Summary:
    """A pushed run of the day after, with that metric."""
    one = summary(run_id)
    one.metrics, one.started = {"overall": {"auc": auc}}, f"2026-11-22T{hour:02}:00:00+00:00"
    return one
