"""docs/how-to/runs.md names everything that Run and Runs offer, and nothing else."""

import re
from pathlib import Path

from pipelines.runs import Run, Runs
from tests.pipelines.runs.made_runs import summary, write

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "runs.md").read_text()


def documented(heading: str) -> set[str]:
    """The names in the first column of the table with this heading, without their arguments."""
    (table,) = re.findall(rf"^\| `{heading}` \| gives \|\n\|---\|---\|\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    return {name for row in table.splitlines() for name in re.findall(r"`(\w+)(?:\([\w, ]*\))?`", row.split(" | ")[0])}


def public(names: object) -> set[str]:
    return {name for name in dir(names) if not name.startswith("_")}


def test_runs() -> None:
    assert documented("Runs") == public(Runs)


def test_run(tmp_path: Path) -> None:
    write(tmp_path, summary("20261121-01"))
    run = Runs(tmp_path).open()
    assert documented("Run") == public(Run) | {name for name in vars(run) if not name.startswith("_")}
