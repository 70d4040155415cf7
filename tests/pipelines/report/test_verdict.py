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
    failed: tuple[str, ...] = ()  # nodes

    @property
    def summary(self) -> dict[str, Any]:
        compared = self.outcome and {"outcome": self.outcome}
        return {
            "error": None, "review": None, "not_pushed": "not distinguishable from 17", "comparison": compared,
            "nodes": [{"id": node, "state": "failed"} for node in self.failed] or [{"id": "Pusher", "state": "ran"}],
        }  # fmt: skip

    def gates(self) -> pd.DataFrame:
        gates = {"AnomalyGate": False} if "AnomalyGate" in self.failed else {"Evaluator": True}
        gates |= {} if self.outcome is None else {"BetterGate": self.passed}
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


@pytest.mark.parametrize(
    ("failed", "word", "sentence"),
    [
        (("AnomalyGate",), "Not pushed", "AnomalyGate refused the data. Earlier versions are unchanged."),
        (("Trainer",), "Failed", "A node failed before a model could be pushed. Earlier versions are unchanged."),
        (("AnomalyGate", "SchemaGen"), "Failed", "AnomalyGate refused the data. Earlier versions are unchanged."),
    ],
)
def test_data_that_was_refused_is_no_failure(failed: tuple[str, ...], word: str, sentence: str) -> None:
    found = describe_verdict(cast("Run", Ended("failed", None, failed=failed)))
    assert (found["word"], found["sentence"]) == (word, sentence)
