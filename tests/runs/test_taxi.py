"""The README's own run: the taxi task on the trips that ship with TFX."""

import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving.phases import PEERS, Transport
from benchmarks.trees import SEEDS, examples_folder, read_split, trees_measures
from tests.browser import Tab
from tests.console import difference, replay, steps
from tests.fork_server import ForkServer
from tests.runs.project import SOURCE, TAXI_NODES, Finished, Project, environment, files
from tests.runs.report_page import faults, show
from tests.runs.served import curl_lines, pasted, served

pytestmark = pytest.mark.pipeline

TUTORIAL = SOURCE / "docs" / "tutorial"
SERVE_PAGE = TUTORIAL / "serve.md"
PAUSE = 0.1  # seconds between two requests: closer together they take the processor from the run itself
PATIENCE = 600  # requests after the push that the version before may still answer: a minute at least

EVAL_ROWS = 4993
# Vocabulary -> its column, strings with an id, strings too rare for one.
LEFT_OUT = {"payment_type_id": ("payment_type", 4, 3), "company_id": ("company", 10, 38)}
METRIC = re.compile(r"(\w+)=([\d.]+)")


@pytest.fixture(scope="module")
def cold(cold_taxi: Finished) -> Finished:
    return cold_taxi  # of all tests, since the notebooks' read it, too


@pytest.fixture(scope="module")
def server(taxi: Project) -> Iterator[ForkServer]:
    """Runs the commands of transcripts."""
    with ForkServer.started(taxi.root, environment()) as started:
        yield started


def test_every_node_ran_and_every_gate_passed(cold: Finished) -> None:
    assert cold.states == dict.fromkeys(TAXI_NODES, "ran")
    assert {gate["gate"]: gate["passed"] for gate in cold.summary["gates"]} == dict.fromkeys(
        ("AnomalyGate", "Evaluator", "SkewGate", "BetterGate"), True
    )


def test_no_row_and_no_feature_is_skewed(cold: Finished) -> None:
    (node,) = (node for node in cold.summary["nodes"] if node["id"] == "SkewGate")
    report = json.loads((Path(node["outputs"]["blessing"]["uri"]) / "report.json").read_text())
    assert (report["rows"], report["differences"], report["reasons"]) == (EVAL_ROWS, 0, [])
    single = {comparison["name"] for comparison in report["comparisons"] if _over_the_wire(comparison["name"], 1)}
    rows = {comparison["name"]: comparison["rows"] for comparison in report["comparisons"]}
    in_all_layouts = report["coverage"]["in_all_layouts"]
    assert 1400 < in_all_layouts < EVAL_ROWS
    small = {
        name for name in rows if name.startswith("serving") and "batch size 512" not in name.partition(" against ")[0]
    }
    assert rows == {name: 128 if name in single else in_all_layouts if name in small else EVAL_ROWS for name in rows}
    wire = [comparison["name"] for comparison in report["comparisons"] if _over_the_wire(comparison["name"], 512)]
    assert wire == [
        *(f"{transport}, batch size 512" for transport in ("REST rows", "REST columns")),
        *(f"{transport}, batch size 512" for transport in ("gRPC examples", "gRPC columns")),
        *(f"{transport}, batch size 512 against gRPC columns" for transport in ("REST rows", "REST columns")),
    ]
    assert len(single) == len(wire)


def _over_the_wire(name: str, batch_size: int) -> bool:
    return name.startswith(("REST", "gRPC")) and name.split(", ")[1].split(" against ")[0] == f"batch size {batch_size}"


def test_nothing_is_wrong_with_the_report(cold: Finished, tab: Tab) -> None:
    report = Path(cold.summary["report"]["path"])
    show(tab, report, 390, "light")
    assert faults(tab, report) == []
    titles = tab.page.locator("figure.plot").evaluate_all("figures => figures.map(one => one.ariaLabel)")
    assert {"ROC", "Precision and recall", "Calibration", "Confusion at 0.5", "auc by payment_type"} <= set(titles)
    assert "Tips paid in cash are hardly ever recorded." in tab.page.locator("#model_card").inner_text()


def test_what_the_vocabularies_leave_out(cold: Finished) -> None:
    found = cold.summary["vocabularies"]
    assert {name: (one["column"], one["known"], one["left_out"]) for name, one in found.items()} == LEFT_OUT
    shown = re.sub(r"<[^>]+>", " ", Path(cold.summary["report"]["path"]).read_text()).split("Vocabularies")[1]
    for name, (column, known, left_out) in LEFT_OUT.items():
        share = f"{found[name]['left_out_share']:.1%}"
        assert re.search(rf"{name}\s+{column}\s+{known}\s+{left_out}\s+{share}", shown)


def test_the_model_is_at_least_as_good_as_boosted_trees(cold: Finished) -> None:
    examples = examples_folder(cold.summary)
    train, evaluation = (read_split(examples, split) for split in ("train", "eval"))
    trees = [trees_measures(train, evaluation, seed)["auc"] for seed in SEEDS]
    assert cold.summary["metrics"]["overall"]["auc"] >= max(trees), trees


def test_the_readme_shows_what_one_gets(cold: Finished) -> None:
    shown = (SOURCE / "README.md").read_text()
    metrics = {name: float(value) for name, value in METRIC.findall(shown.split("\nmetrics", 1)[1].split("\n", 1)[0])}
    assert metrics == pytest.approx(cold.summary["metrics"]["overall"], abs=0.005)
    for line in cold.terminal.splitlines():
        # Seconds, versions and run ids differ from run to run, and the last digits from machine to machine.
        pattern = re.sub(r"\d[\d.,]*", "#", line).strip()
        if line.partition(" ")[0] in TAXI_NODES:
            pattern = re.sub(r" +", " ", pattern)
            assert pattern in re.sub(r" +", " ", re.sub(r"\d[\d.,]*", "#", shown)), line


def test_the_tutorials_first_run_prints_what_it_shows(cold: Finished) -> None:
    ((command, shown),) = steps(TUTORIAL / "first-run.md")
    assert command == "make run-local"
    assert difference(cold.terminal.splitlines(), shown) is None


def test_the_tutorials_curl_lines_answer_as_shown(taxi: Project, cold: Finished, tmp_path: Path) -> None:
    with served(taxi.root, tmp_path) as (server, gateway):
        (gateway_answer, gateway_shown), (answer, shown), (refusal, refusal_shown) = (
            (pasted(command, server, gateway), shown) for command, shown in curl_lines(SERVE_PAGE.read_text())
        )
    assert refusal | {"request_id": ""} == refusal_shown | {"request_id": ""}
    assert gateway_answer.keys() == gateway_shown.keys()
    assert gateway_answer["model_version"] == cold.summary["pushed"]["version"]
    ((prediction,), (prediction_shown,)) = gateway_answer["predictions"], gateway_shown["predictions"]
    assert prediction == {"decision": True, "probability": pytest.approx(prediction_shown["probability"], abs=0.03)}
    assert np.array(answer["outputs"]) == pytest.approx(np.array(shown["outputs"]), abs=0.03)


@pytest.mark.one_stack
def test_the_load_test_finds_every_answer_right(taxi: Project, cold: Finished, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.serving", "--var", str(taxi.var), "--out", str(tmp_path), "--quick"]
    ended = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    record = json.loads((tmp_path / "serving.json").read_text())
    assert str(record["model"]["version"]) == cold.summary["pushed"]["version"]
    measured = {(phase["transport"], phase["batching"], phase["batch_rows"]): phase for phase in record["phases"]}
    own = [transport for transport in Transport if transport not in PEERS]
    assert measured.keys() == set(itertools.product(own, ("off", "on"), (1, 4)))
    peers = {phase["transport"] for phase in record["peer"]}  # and BentoML where it is installed
    assert (
        {Transport.PEER, Transport.PEER_ASYNC, Transport.GATEWAY}
        <= peers
        <= {*PEERS, Transport.GATEWAY, Transport.REST_ROWS}
    )
    for phase in [*record["phases"], *record["peer"]]:
        assert (phase["failed"], phase["failures"]) == (0, {}), phase
        assert phase["requests"] >= 5
        assert 0 < phase["p50_ms"] <= phase["p95_ms"] <= phase["p99_ms"]
    swaps = record["swaps"]
    assert (swaps["failed"], swaps["swaps"] >= 2, swaps["versions_that_answered"] >= 2) == (0, True, True)
    assert swaps["requests"] >= 200


def test_what_is_undefined_is_null(cold: Finished) -> None:
    assert cold.summary["metrics"]["payment_type = Cash"]["calibration"] is None  # no cash ride has a recorded tip


def test_small_slices_are_not_reported(cold: Finished) -> None:
    counts = {where: values["example_count"] for where, values in cold.summary["metrics"].items()}
    assert counts["overall"] == EVAL_ROWS
    assert min(counts.values()) >= 100
    assert {"payment_type = Cash", "payment_type = Credit Card", "trip_start_hour = 18"} <= counts.keys()
    assert sum(count for where, count in counts.items() if where.startswith("company = ")) < EVAL_ROWS


def test_a_push_that_demands_a_review_is_refused_and_then_allowed(spare_taxi: Project, server: ForkServer) -> None:
    spare_taxi.remember("production", *(f"pipelines/tasks/taxi/{name}" for name in ("model_card.md", "review.toml")))
    pushed = spare_taxi.root / "production" / "taxi"
    versions = []
    for command, shown in steps(SOURCE / "docs" / "how-to" / "review.md"):
        said = replay(command, spare_taxi.root, environment(), server)
        assert difference(said, shown) is None, "\n".join([command, *said])
        versions.append(len(list(pushed.iterdir())) if pushed.exists() else 0)
    assert versions == [0, 0, 1, 1, 1]
    summary = json.loads((spare_taxi.var / "runs" / "latest" / "summary.json").read_text())
    assert (summary["status"], summary["pushed"]) == ("refused", None)
    assert summary["error"].startswith("Pusher: science review: stale, model_card.md changed since the review of run ")
    assert summary["review"] | {"date": "", "run_id": ""} == {
        "required": True,
        "state": "stale",
        "reason": summary["error"].removeprefix("Pusher: science review: stale, ").split(". This push")[0],
        "reviewer": "Ada Example",
        "date": "",
        "run_id": "",
        "note": "Report and worst slices looked at. Fine to serve.",
    }


def test_a_second_cold_run_gives_the_same_metrics_and_no_request_fails(
    spare_taxi: Project, cold: Finished, tmp_path: Path
) -> None:
    """It also pushes a second version, while the first one is served."""
    (command, _), *_ = curl_lines(SERVE_PAGE.read_text())
    with served(spare_taxi.root, tmp_path) as (server, gateway), ThreadPoolExecutor(1) as beside:
        run = beside.submit(spare_taxi.run, "--force", "--push-ties", task="taxi")
        versions, patience = [""], PATIENCE
        while not run.done() or versions[-1] != run.result().summary["pushed"]["version"]:
            patience -= run.done()
            assert patience, f"the server still answers with {versions[-1]}"
            versions.append(pasted(command, server, gateway)["model_version"])  # an answer other than this is an error
            time.sleep(PAUSE)
    del versions[0]
    again = run.result()
    assert again.status == 0, again.told()
    assert again.states == dict.fromkeys(TAXI_NODES, "ran")
    assert len(set(versions)) == 2
    assert versions == sorted(versions)
    assert again.summary["metrics"].keys() == cold.summary["metrics"].keys()
    for where, values in cold.summary["metrics"].items():
        for name, value in values.items():
            expected = value if value is None else pytest.approx(value, abs=5e-5)
            assert again.summary["metrics"][where][name] == expected, (where, name)
    report = Path(spare_taxi.root / again.summary["report"]["path"]).read_text()
    assert "In no slice is auc or binary_crossentropy clearly better or worse than in the previous version." in report


@pytest.mark.one_stack
@pytest.mark.parametrize("page", ["first-edit", "a-quarter-in-production"])
def test_the_tutorials_commands_print_what_it_shows(page: str, spare_taxi: Project, server: ForkServer) -> None:
    hyperparameters = "pipelines/tasks/taxi/hyperparameters.toml"
    spare_taxi.remember(hyperparameters, f"{hyperparameters}.bak")
    for command, shown in steps(TUTORIAL / f"{page}.md"):
        said = replay(command, spare_taxi.root, environment(), server)
        assert difference(said, shown) is None, "\n".join([command, *said])


def test_a_search_writes_the_hyperparameters_instead(spare_taxi: Project) -> None:
    options = ("--tune", "--trials", "2", "--train-steps", "20")
    run = spare_taxi.run_until("Trainer", *options, task="taxi")
    assert run.status == 130, run.told()  # run_until stops it as `kill` does
    assert run.ran == {"Tuner", "Trainer"}, run.told()
    assert "ImportHyperparameters" not in run.states
    assert re.search(
        r"^Tuner +ran +[\d.]+ s  2 trials finished, lowest held-out loss 0\.\d+$", run.terminal, re.MULTILINE
    )
    again = spare_taxi.run_until("Trainer", *options, task="taxi")
    assert again.ran == set(), again.told()


@pytest.mark.one_stack
def test_tune_compares_with_the_committed_values_and_changes_nothing(spare_taxi: Project) -> None:
    code = files(spare_taxi.root / "pipelines")
    options = ("--trials", "2", "--seeds", "2", "--train-steps", "20")
    run = spare_taxi.run(*options, task="taxi", module=("-m", "pipelines", "tune"))
    assert run.status == 0, run.told()
    assert {path: text for path, text in files(spare_taxi.root / "pipelines").items() if not path.endswith(".pyc")} == {
        path: text for path, text in code.items() if not path.endswith(".pyc")
    }
    candidates = run.summary["candidates"]
    assert len(candidates) == 2
    assert candidates["committed"]["hyperparameters"]["architecture"] == "wide_and_deep"
    for found in candidates.values():
        assert [training["failure"] for training in found["trainings"]] == [None, None]
        auc = found["measures"]["auc"]
        assert 0.5 < auc["low"] < auc["value"] < auc["high"] < 1
    assert run.summary["proposed"] in (None, *(name for name in candidates if name != "committed"))
    for name in candidates:
        assert re.search(rf"^{name} +0\.\d+ \(0\.\d+ to 0\.\d+\) .* 2/2$", run.terminal, re.MULTILINE), run.told()


@pytest.mark.one_stack
def test_the_portfolio_gives_each_architecture_a_chance(spare_taxi: Project) -> None:
    options = ("--trials", "1", "--seeds", "2", "--train-steps", "20")
    run = spare_taxi.run(*options, task="taxi", module=("-m", "pipelines", "portfolio"))
    assert run.status == 0, run.told()
    approaches = run.summary["approaches"]
    assert list(approaches) == ["logistic", "wide_and_deep", "deep_and_cross", "trees"]
    for name in ("auc", "binary_crossentropy"):
        compared = [*approaches.values(), *run.summary["yardsticks"].values()]
        assert sum(found["measures"][name]["chance_best"] for found in compared) == pytest.approx(1)
    assert list(run.summary["yardsticks"]) == [f"yardstick: {name}" for name in ("constant", "linear", "boosted trees")]
    assert run.summary["yardsticks"]["yardstick: constant"]["measures"]["auc"]["value"] == 0.5
    parameters = {name: found["trainings"][0]["parameters"] for name, found in approaches.items()}
    assert parameters["logistic"] < parameters["wide_and_deep"]
    assert all(found["hyperparameters"]["architecture"] == name for name, found in approaches.items())
