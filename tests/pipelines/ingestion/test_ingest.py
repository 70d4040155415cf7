"""Spans arrive, are corrected, spoiled and put right, over one var folder; each step is what happens next."""

import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.accepted_spans import list_accepted_spans
from pipelines.retention.plan import ARTIFACTS, Item, make_plan
from pipelines.retention.policy import RetentionPolicy
from pipelines.retention.removal import remove
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runs.metadata import Metadata
from pipelines.runs.span_statistics import read_span_statistics
from tests.pipelines.ingestion.quarters import edit, write_quarters
from tests.runs.in_process import ingest_here, run_here
from tests.runs.project import SOURCE, Finished

pytestmark = pytest.mark.pipeline


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One ingestion, and what was there after it."""

    run: Finished
    accepted: dict[str, int]  # span -> newest accepted version
    quarantine: dict[str, Any]  # span -> its record
    executions: int  # of ExampleGen, in ML Metadata
    trained: Finished | None = None  # a run over all accepted spans, up to where their rows are joined
    database: Path  # ML Metadata, as it is after all steps
    removed: Sequence[Item] = ()  # by a removal of what is old, before the ingestion

    @property
    def spans(self) -> dict[str, tuple[str, int]]:
        """Span -> state and version."""
        return {span["span"]: (span["state"], span["version"]) for span in self.run.summary["spans"]}


def look(var: Path, run: Finished) -> Step:
    store = open_metadata_store(var / "metadata.sqlite")
    return Step(
        run=run,
        accepted={span.name: span.version for span in list_accepted_spans(store, "taxi_spans", "")},
        quarantine={
            file.parent.name: json.loads(file.read_text()) for file in var.glob("quarantine/taxi/*/reasons.json")
        },
        database=var / "metadata.sqlite",
        executions=sum(
            "input_base" in execution.custom_properties for execution in store.get_executions_by_type(_EXAMPLE_GEN)
        ),
    )


_EXAMPLE_GEN = "components.csv_example_gen.component.CheckedExampleGen"


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Step]:
    base = tmp_path_factory.mktemp("ingest")
    folder, var = base / "arrived", base / "var"
    steps = {}

    def ingest(name: str) -> None:
        steps[name] = look(var, ingest_here(var, folder))

    write_quarters(folder, "2016Q1", "2016Q2")
    good = (folder / "trips-2016Q2.csv").read_text()
    (folder / "notes.txt").touch()
    ingest("first")
    ingest("again")
    write_quarters(folder, "2016Q3", "2016Q4")
    edit(folder, "2016Q1", lambda rows: rows[3].update(fare="9.99"))
    edit(folder, "2016Q2", lambda rows: (rows[0].update(fare="2000"), rows[9].update(fare="")))
    edit(folder, "2016Q3", lambda rows: rows[5].update(trip_start_timestamp="1460000000"))
    edit(folder, "2016Q4", lambda rows: [row.update(company="One Firm") for row in rows])
    ingest("changed")
    ingest("changed again")
    trained = run_here(var, "--spans", "all", task="taxi", upto="ExampleGen")
    steps["changed again"] = dataclasses.replace(steps["changed again"], trained=trained)
    (folder / "trips-2016Q2.csv").write_text(good)
    edit(folder, "2016Q4", lambda rows: rows[0].update(fare="a lot"))
    ingest("put right")
    edit(folder, "2016Q3", lambda rows: rows[8].update(fare="8.88"))
    ingest("another yardstick")
    plan = make_plan(var, RetentionPolicy(keep_runs=1, keep_versions=1), now=time.time() + 100 * 86_400)
    remove(var, plan)
    ingest("collected")
    trained = run_here(var, "--spans", "all", task="taxi", upto="ExampleGen")
    steps["collected"] = dataclasses.replace(steps["collected"], trained=trained, removed=plan.remove)
    return steps


def test_new_spans_are_accepted_and_a_file_beside_the_pattern_is_said(steps: dict[str, Step]) -> None:
    step = steps["first"]
    assert step.run.status == 0, step.run.told()
    assert step.spans == {"2016Q1": ("accepted", 1), "2016Q2": ("accepted", 1)}
    assert step.accepted == {"2016Q1": 1, "2016Q2": 1}
    assert step.run.summary["spans"][0]["rows"] == {"train": 143, "eval": 79}
    assert step.run.summary["spans"][0]["times"] | {"oldest": "", "newest": ""} == {
        "rows": 222, "late": 0, "early": 0, "unknown": 0, "oldest": "", "newest": "",
    }  # fmt: skip
    assert "not a span: notes.txt: expected a name such as *{YYYY}Q{Q}\n" in step.run.terminal
    assert step.run.summary["other_files"] == ["notes.txt"]


def test_unchanged_spans_are_not_read_again(steps: dict[str, Step]) -> None:
    step = steps["again"]
    assert step.run.status == 0
    assert step.spans == {"2016Q1": ("unchanged", 1), "2016Q2": ("unchanged", 1)}
    assert step.executions == steps["first"].executions == 2


def test_a_corrected_span_is_a_new_version(steps: dict[str, Step]) -> None:
    assert steps["changed"].spans["2016Q1"] == ("accepted", 2)
    assert steps["changed"].accepted["2016Q1"] == 2


def test_a_spoiled_span_is_refused_with_the_rows_to_blame_and_what_was_accepted_stays(steps: dict[str, Step]) -> None:
    step = steps["changed"]
    assert step.run.status == 1
    assert step.spans["2016Q2"] == ("refused", 2)
    assert step.accepted["2016Q2"] == 1
    record = step.quarantine["2016Q2"]
    assert (record["node"], record["accepted_version"], record["rows_to_blame"]) == ("AnomalyGate", 1, 2)
    assert [(cell["line"], cell["column"], cell["cell"]) for cell in record["rows"]] == [
        (2, "fare", "2000"),
        (11, "fare", ""),
    ]
    assert {finding["rule"] for finding in record["findings"]} >= {"FLOAT_TYPE_BIG_FLOAT"}
    assert "fare (span): expected 0 to 1000; observed values up to 2000 in 1 of" in step.run.terminal
    assert "quarantine/taxi/2016Q2/reasons.txt" in step.run.terminal


def test_late_rows_are_noticed_and_counted_and_do_no_harm(steps: dict[str, Step]) -> None:
    step = steps["changed"]
    assert step.spans["2016Q3"] == ("accepted", 1)
    times = step.run.summary["spans"][2]["times"]
    assert (times["late"], times["oldest"]) == (1, "2016-04-07")
    assert "1 row of an earlier span" in step.run.terminal


def test_a_span_that_drifted_from_the_one_before_is_refused_without_blaming_a_row(steps: dict[str, Step]) -> None:
    record = steps["changed"].quarantine["2016Q4"]
    assert {(finding["feature"], finding["rule"]) for finding in record["findings"]} == {
        ("company", "COMPARATOR_L_INFTY_HIGH")
    }
    assert (record["rows_to_blame"], record["accepted_version"]) == (0, None)


def test_a_refused_span_is_not_read_again_and_said_again(steps: dict[str, Step]) -> None:
    step = steps["changed again"]
    assert step.run.status == 1
    assert step.spans == {
        "2016Q1": ("unchanged", 2),
        "2016Q2": ("in quarantine", 2),
        "2016Q3": ("unchanged", 1),
        "2016Q4": ("in quarantine", 1),
    }
    assert step.executions == steps["changed"].executions
    assert step.quarantine == steps["changed"].quarantine


def test_a_span_that_is_put_right_leaves_quarantine(steps: dict[str, Step]) -> None:
    step = steps["put right"]
    assert step.spans["2016Q2"] == ("unchanged", 1)
    assert "2016Q2" not in step.quarantine


def test_a_cell_of_the_wrong_type_is_named_by_the_record_and_the_terminal(steps: dict[str, Step]) -> None:
    step = steps["put right"]
    assert step.spans["2016Q4"] == ("refused", 2)
    record = step.quarantine["2016Q4"]
    (row,) = record["rows"]
    assert (row["line"], row["column"], row["cell"], row["expected"]) == (2, "fare", "a lot", "FLOAT")
    assert record["node"] == "ExampleGen"
    assert "trips-2016Q4.csv, line 2, column `fare`: expected FLOAT, received 'a lot'" in step.run.terminal
    assert step.accepted == {"2016Q1": 2, "2016Q2": 1, "2016Q3": 1}


def test_a_refused_span_is_judged_again_when_the_span_before_it_is_another(steps: dict[str, Step]) -> None:
    """A drift is measured from that span: what was too far from the old one may be near the new one."""
    before, after = steps["put right"], steps["another yardstick"]
    assert (before.quarantine["2016Q4"]["compared_with"], after.accepted["2016Q3"]) == ("2016Q3 v1", 2)
    assert after.spans["2016Q4"] == ("refused", 2)
    assert after.quarantine["2016Q4"]["compared_with"] == "2016Q3 v2"


def test_a_run_takes_the_newest_accepted_version_of_each_span_and_names_it(
    steps: dict[str, Step],
) -> None:
    run = steps["changed again"].trained
    assert run is not None
    assert run.ran >= {"SpansResolver", "ExampleGen"}, run.told()
    spans = [(span["span"], span["version"]) for span in run.summary["spans"]]
    assert spans == [("2016Q1", 2), ("2016Q2", 1), ("2016Q3", 1)]
    assert run.summary["rows"]["train"] == sum(span["train"] for span in run.summary["spans"])
    assert sum(run.summary["rows"].values()) == 222 + 207 + 203  # as in the data card
    assert run.summary["data"] == "spans all"
    documented = re.findall(
        r"^\| `spans\[\]\.(\w+)`", (SOURCE / "docs" / "reference" / "summary.md").read_text(), re.MULTILINE
    )
    assert all(span.keys() == set(documented) for span in run.summary["spans"])


def test_what_is_accepted_survives_the_removal_of_what_is_old(steps: dict[str, Step]) -> None:
    """Nothing is read or judged again, and a run over the spans finds the newest version of each."""
    before, after = steps["another yardstick"], steps["collected"]
    assert (after.accepted, after.executions) == (before.accepted, before.executions)
    assert after.spans == {
        "2016Q1": ("unchanged", 2),
        "2016Q2": ("unchanged", 1),
        "2016Q3": ("unchanged", 2),
        "2016Q4": ("in quarantine", 2),
    }
    assert after.quarantine == before.quarantine
    assert after.trained is not None
    spans = [(span["span"], span["version"]) for span in after.trained.summary["spans"]]
    assert spans == [("2016Q1", 2), ("2016Q2", 1), ("2016Q3", 2)]


def test_superseded_versions_go_unless_a_run_that_is_kept_read_them(steps: dict[str, Step]) -> None:
    """The run read 2016Q3 v1, which was corrected since; its report shows the statistics of each of its spans."""
    step = steps["collected"]
    removed = [item.path.parts[-3] for item in step.removed if item.kind == ARTIFACTS]
    # 2016Q1 v1. The refused 2016Q2 v2 and 2016Q4 v2 are the newest of theirs: the next version is counted from them.
    assert removed.count("ExampleGen") == 1
    run = steps["changed again"].trained
    assert run is not None
    courses = read_span_statistics(Metadata(step.database), run.summary["run_id"])
    assert list(courses) == ["2016Q1 v2", "2016Q2 v1", "2016Q3 v1"]


def test_a_run_over_a_span_that_is_none_says_so_before_it_loads_tfx(steps: dict[str, Step], tmp_path: Path) -> None:
    """Loading TFX takes most of the time that a user would wait for this line."""
    command = """if True:
        import sys
        from pipelines.cli.app import execute
        status = execute(["run", *sys.argv[1:]])
        sys.exit(f"TFX is loaded" if {"tfx", "tensorflow"} & sys.modules.keys() else status)
    """
    database = steps["first"].database
    for var, choice, said in (
        (tmp_path / "new", "last:2", "expected accepted spans of task taxi, received none; ingest them first"),
        (database.parent, "2030Q1..2031Q4", "received none; accepted: 2016Q1 to 2016Q"),
    ):
        arguments = [sys.executable, "-c", command, "--task", "taxi", "--spans", choice, "--var", str(var)]
        ended = subprocess.run(arguments, cwd=SOURCE, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert said in ended.stderr
    assert not (tmp_path / "new").exists()
