"""After a gc the next run misses the cache where artifacts went, makes them anew, and comes to the same model."""

import pytest

from pipelines.retention.plan import ARTIFACTS, RemovalPlan, make_plan
from pipelines.retention.policy import RetentionPolicy
from pipelines.retention.removal import remove
from tests.runs.conftest import History
from tests.runs.project import NODES, RESOLVERS, Project

pytestmark = pytest.mark.pipeline


def test_the_next_run_makes_anew_what_went(project: Project, history: History) -> None:
    policy = RetentionPolicy(keep_days=0, keep_runs=1, keep_versions=1)
    plan = make_plan(project.var, policy)
    assert plan.remove == ()  # of two runs on the same rows the second read all that the first made
    removed = {"ExampleValidator", "Evaluator"}
    gone = tuple(item for item in plan.keep if item.kind == ARTIFACTS and item.path.parts[-3] in removed)
    assert len(gone) == 3  # anomalies, evaluation, blessing
    remove(project.var, RemovalPlan(remove=gone, keep=(), versions={}))
    assert not any(item.path.exists() for item in gone)
    run = project.run()
    assert run.status == 0, run.told()
    # What a gate reads is made anew, so the gate runs, too; its answer is the same, and so is what comes after.
    assert removed <= run.ran <= removed | {"AnomalyGate", "Pusher"}
    assert run.cached >= set(NODES) - RESOLVERS - removed - {"AnomalyGate", "Pusher"}
    assert run.summary["metrics"] == history.cold.summary["metrics"]
    assert project.versions() == [history.cold.summary["pushed"]["version"]]
