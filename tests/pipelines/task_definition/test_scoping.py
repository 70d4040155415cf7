"""What was agreed is what gates, and a mistake in the file is named."""

from pathlib import Path

import pytest

from pipelines.task_definition.scoping import Scoping, ScopingError, Threshold, read_scoping

MINIMAL = """
[problem]
statement = "a"
users = "b"
decision = "c"

[[solutions]]
name = "a mean"
idea = "d"
verdict = "e"

[feasibility]
data = "f"
baseline = "g"
human_level = "h"
history = "i"

[value]
benefit = "j"
harm = "k"

[success]
business = "l"

[[success.thresholds]]
metric = "MeanSquaredError"
at_most = 5500
change_at_most = 200
reason = "m"

[[success.thresholds]]
metric = "MeanSquaredError"
slice = { sex = "a" }
at_most = 6000.5
reason = "n"

[[milestones]]
name = "o"
done_when = "p"

[budget]
work = "q"
machines = "r"
serving = "s"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scoping.toml"
    path.write_text(MINIMAL)
    return path


def edited(path: Path, old: str, new: str) -> Scoping:
    assert MINIMAL.count(old) == 1, old
    path.write_text(MINIMAL.replace(old, new))
    return read_scoping(path)


def test_a_whole_file(path: Path) -> None:
    scoping = read_scoping(path)
    assert scoping.success.thresholds == (
        Threshold(metric="MeanSquaredError", at_most=5500.0, change_at_most=200.0, reason="m"),
        Threshold(metric="MeanSquaredError", slice={"sex": "a"}, at_most=6000.5, reason="n"),
    )
    assert [threshold.where for threshold in scoping.success.thresholds] == [
        "MeanSquaredError on overall",
        "MeanSquaredError on sex = a",
    ]
    assert (scoping.problem.statement, scoping.budget.serving, scoping.success.min_slice_rows) == ("a", "s", 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "at_most = 6000.5",
            "at_mots = 6000.5",
            "success: thresholds 2: unknown key 'at_mots'; did you mean 'at_most'?",
        ),
        (
            "at_most = 6000.5\n",
            "",
            "success: thresholds 2: expected a bound (at_least, at_most, change_at_least, change_at_most), "
            "received none",
        ),
        ("6000.5", '"6000"', "success: thresholds 2: at_most: expected a number, received '6000'"),
        ("6000.5", "nan", "success: thresholds 2: at_most: expected a finite number, received nan"),
        (
            "at_most = 6000.5",
            "at_most = 1\nat_least = 2",
            "success: thresholds 2: expected at_least below at_most, received 2 and 1",
        ),
        (
            "change_at_most = 200",
            "change_at_most = 200\nchange_at_least = -1",
            "success: thresholds 1: expected change_at_least (larger is better) or change_at_most (smaller is better), "
            "received both",
        ),
        (
            'slice = { sex = "a" }\n',
            "",
            "success: thresholds: expected one for MeanSquaredError on overall, received two; put them into one",
        ),
        ("slice = { sex = ", "slice = { sex = 1 } # ", "success: thresholds 2: slice.sex: expected a text, received 1"),
        ('business = "l"', "", "success: expected business, received no such key; add it"),
        (
            'business = "l"',
            'business = "l"\nmin_slice_rows = 0',
            "success: min_slice_rows: expected 1 or more, received 0",
        ),
        ("[value]", "[values]", "unknown key 'values'; did you mean 'value'?"),
        (
            MINIMAL[MINIMAL.index("[[success.thresholds]]") : MINIMAL.index("[[milestones]]")],
            "thresholds = []\n",
            "success: expected at least one threshold, received none: no model could be blessed",
        ),
        (
            '[[milestones]]\nname = "o"\ndone_when = "p"',
            "",
            "expected milestones, received no such key; add it",
        ),
    ],
)
def test_a_mistake(path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ScopingError) as error:
        edited(path, old, new)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("name", ["solutions", "milestones"])
def test_nothing_considered_and_no_step(path: Path, name: str) -> None:
    start = MINIMAL.index(f"[[{name}]]")
    block = MINIMAL[start : MINIMAL.index("\n[", start + 2)]
    path.write_text(f"{name} = []\n" + MINIMAL.replace(block, ""))
    with pytest.raises(ScopingError) as error:
        read_scoping(path)
    assert str(error.value) == f"{path}: expected at least one of {name}, received none"


def test_costs_and_fairness_are_optional_and_checked(path: Path) -> None:
    assert (read_scoping(path).costs, read_scoping(path).fairness) == (None, None)
    path.write_text(
        f'{MINIMAL}\n[costs]\nfalse_alarm = 1\nmiss = 4.5\nreason = "t"\n[fairness]\ncolumns = ["sex"]\nreason = "u"\n'
    )
    found = read_scoping(path)
    assert found.costs is not None
    assert (found.costs.false_alarm, found.costs.miss) == (1, 4.5)
    assert found.fairness is not None
    assert (found.fairness.columns, found.fairness.max_gap, found.fairness.min_rows) == (("sex",), None, 30)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ('[costs]\nfalse_alarm = 0\nmiss = 1\nreason = "t"', "false_alarm: expected a number above 0, received 0"),
        ('[fairness]\ncolumns = []\nreason = "u"', "columns: expected at least one, received none"),
        (
            '[fairness]\ncolumns = ["sex"]\nmax_gap = -1\nreason = "u"',
            "max_gap: expected a number above 0, received -1",
        ),
        ('[fairness]\ncolumn = ["sex"]\nreason = "u"', "columns"),
    ],
)
def test_costs_and_fairness_that_cannot_be(path: Path, added: str, message: str) -> None:
    path.write_text(f"{MINIMAL}\n{added}\n")
    with pytest.raises(ScopingError, match=message):
        read_scoping(path)
