"""What is proposed, and that git takes the patch."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.measures import measures_of
from pipelines.experiments.proposal import find_better_candidate, make_patch
from pipelines.search.comparison import CandidateScore
from pipelines.task_definition.problem import BINARY

FILE = """\
# The committed values.

architecture = "wide"  # or "deep"
rate = 0.01  # of the first step
layers = 1  # how many
seed = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pipelines" / "x" / "hyperparameters.toml"
    path.parent.mkdir(parents=True)
    path.write_text(FILE)
    return path


def test_git_applies_the_patch_and_comments_stay(file: Path, tmp_path: Path) -> None:
    proposal = make_patch(file, {"architecture": "wide", "rate": 0.0234, "layers": 3, "seed": 7}, tmp_path)
    assert file.read_text() == FILE  # nothing is changed by proposing
    (tmp_path / "proposal.patch").write_text(proposal)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "proposal.patch"], cwd=tmp_path, check=True)
    assert file.read_text() == FILE.replace("0.01 ", "0.0234 ").replace("= 1 ", "= 3 ")
    assert tomllib.loads(file.read_text()) == {"architecture": "wide", "rate": 0.0234, "layers": 3, "seed": 7}


def test_the_same_values_are_no_change(file: Path, tmp_path: Path) -> None:
    assert make_patch(file, tomllib.loads(FILE), tmp_path) == ""


def change(auc: tuple[float, float], loss: tuple[float, float], value: float = 0.2) -> dict[str, CandidateScore]:
    """Changes against the reference, as intervals."""
    expected = {"auc": 0.9, "binary_crossentropy": value}
    return {
        name: CandidateScore(
            expected=Interval(value=expected[name], low=0.0, high=1.0),
            chance_best=0.5,
            change=Interval(value=(low + high) / 2, low=low, high=high),
        )
        for name, (low, high) in (("auc", auc), ("binary_crossentropy", loss))
    }


REFERENCE = {
    name: CandidateScore(expected=Interval(value=0.5, low=0.0, high=1.0), chance_best=0.0, change=None)
    for name in ("auc", "binary_crossentropy")
}
GOOD = change(auc=(-0.001, 0.002), loss=(-0.004, -0.001))


@pytest.mark.parametrize(
    ("others", "proposed"),
    [
        ({}, None),
        ({"a": GOOD}, "a"),
        ({"a": change(auc=(0.001, 0.002), loss=(-0.004, 0.001))}, None),  # not surely better where it decides
        ({"a": change(auc=(-0.002, -0.001), loss=(-0.004, -0.001))}, None),  # surely worse elsewhere
        ({"a": change(auc=(0.001, 0.002), loss=(0.001, 0.004))}, None),  # surely worse where it decides
        ({"a": GOOD, "b": change(auc=(0.0, 0.002), loss=(-0.005, -0.002), value=0.1)}, "b"),
    ],
)
def test_only_what_is_surely_better_and_nowhere_surely_worse_is_proposed(
    others: dict[str, dict[str, CandidateScore]], proposed: str | None
) -> None:
    assert find_better_candidate(measures_of(BINARY), {"committed": REFERENCE, **others}, "committed") == proposed
