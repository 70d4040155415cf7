"""What the last lines of a run say, and what to do next."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from components.anomaly_gate.component import AnomalyError
from components.anomaly_gate.findings import Finding
from pipelines.runner.final_report import print_final_report
from pipelines.runner.progress import LineProgress
from pipelines.runner.results import FAILED, NodeResult, Verdict
from pipelines.runner.summary import REFUSED, TIE, Summary

FINDING = Finding(
    feature="pay", split="train", rule="SOME", expected="a", observed="b", share=0.5, remedy="do"
)  # fmt: skip
REFUSED_DATA = NodeResult(node="AnomalyGate", state=FAILED, seconds=0.1, error=AnomalyError("c.pbtxt", [FINDING]))


def printed(summary: Summary, folder: Path) -> dict[str, str]:
    """The lines by their labels."""
    console = Console(file=io.StringIO(), width=200)
    print_final_report(console, summary, folder)
    return {line.split()[0]: line for line in console.file.getvalue().splitlines() if line.strip()}


def ended(status: str, *verdicts: Verdict, nodes: tuple[NodeResult, ...] = ()) -> Summary:
    return Summary(
        run_id="1", task="taxi", data="", started="", status=status, verdicts=verdicts, nodes=list(nodes),
        error="a: b" if status == FAILED else None,
    )  # fmt: skip


def test_data_that_a_gate_refused_is_refused_in_every_line(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    LineProgress(console, ["AnomalyGate"]).finished(REFUSED_DATA)
    assert console.file.getvalue().split()[:2] == ["AnomalyGate", "refused"]
    refused = Verdict(gate="AnomalyGate", passed=False, reasons=(str(FINDING),))
    lines = printed(ended(FAILED, refused, nodes=(REFUSED_DATA,)), tmp_path)
    assert "failed" not in " ".join(lines.values())
    assert "a gate refused the data after" in lines["not"]
    assert "correct the data, or the contract" in lines["next"]


def test_an_error_stays_a_failure(tmp_path: Path) -> None:
    broken = NodeResult(node="AnomalyGate", state=FAILED, seconds=0.1, error=OSError("no disk"))
    assert (broken.word, REFUSED_DATA.word, REFUSED_DATA.state) == ("failed", "refused", "failed")
    lines = printed(ended(FAILED, nodes=(broken, REFUSED_DATA)), tmp_path)
    assert "fix the error" in lines["next"]


@pytest.mark.parametrize(
    ("status", "verdict", "way_on"),
    [
        (REFUSED, Verdict(gate="BetterGate", passed=False, reasons=("worse",)), "improve the model and run again, or"),
        (REFUSED, Verdict(gate="BetterGate", passed=True, reasons=("?",), word="tie"), "improve the model and run"),
        (REFUSED, Verdict(gate="Evaluator", passed=False, reasons=("low",)), "see the reasons above"),
        (TIE, Verdict(gate="BetterGate", passed=True, reasons=("?",), word="tie"), "--push-ties (make: PUSH_TIES=1)"),
    ],
)
def test_what_to_do_next(tmp_path: Path, status: str, verdict: Verdict, way_on: str) -> None:
    assert way_on in printed(ended(status, verdict), tmp_path)["next"]
