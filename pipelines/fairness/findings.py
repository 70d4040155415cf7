"""What the comparison of groups said, in a file beside the blessing."""

import dataclasses
import json
from pathlib import Path

_FILE = "fairness.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Findings:
    """Whether groups are as alike as a task agreed, and why, in words."""

    passed: bool
    reasons: tuple[str, ...]


def write_findings(blessing: Path, found: Findings) -> None:
    """Write them into the folder of a ModelBlessing."""
    (blessing / _FILE).write_text(json.dumps(dataclasses.asdict(found), indent=2) + "\n", encoding="utf-8")


def read_findings(blessing: Path) -> Findings:
    """Read them; passed, and nothing said, where groups were not compared."""
    path = blessing / _FILE
    if not path.exists():
        return Findings(passed=True, reasons=())
    record = json.loads(path.read_text(encoding="utf-8"))
    return Findings(passed=record["passed"], reasons=tuple(record["reasons"]))
