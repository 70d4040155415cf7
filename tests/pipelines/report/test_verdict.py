"""How the top of the page says how a run ended."""

import dataclasses
from typing import Any, cast

import pandas as pd
import pytest

from pipelines.report.verdict import describe_verdict
from pipelines.runs import Run


@dataclasses.dataclass
class Ended:
    """As much of a run as the verdict reads."""

    status: str
    outcome: str | None  # of the comparison
    passed: bool = True  # whether BetterGate let it through
    version: str | None = None

    @property
    def summary(self) -> dict[str, Any]:
        compared = self.outcome and {"outcome": self.outcome}
        return {
            "error": None, "review": None, "not_pushed": "not distinguishable from 17", "comparison": compared,
            "nodes": [{}],
        }  # fmt: skip

    def gates(self) -> pd.DataFrame:
        gates = {"Evaluator": True} | ({} if self.outcome is None else {"BetterGate": self.passed})
        return pd.DataFrame([{"gate": gate, "passed": passed, "reasons": ["why"]} for gate, passed in gates.items()])


@pytest.mark.parametrize(
    ("run", "words", "sentence"),
    [
        (Ended("tie", "tie"), ["passed", "tie"], "Not distinguishable from 17. Earlier versions"),
        (Ended("tie", "not compared"), ["passed", "tie"], "Not distinguishable from 17. Earlier versions"),
        (Ended("pushed", "better"), ["passed", "passed"], "Every gate passed."),
        (Ended("refused", "worse", passed=False), ["passed", "refused"], "BetterGate refused the model, compared"),
        (Ended("pushed", None), ["passed"], "Every gate passed."),
    ],
    ids=["tie", "cannot be compared", "better", "worse", "no comparison was agreed on"],
)
def test_a_tie_is_neither_passed_nor_refused(run: Ended, words: list[str], sentence: str) -> None:
    found = describe_verdict(cast("Run", run))
    assert [gate["word"] for gate in found["gates"]] == words
    assert found["sentence"].startswith(sentence)
