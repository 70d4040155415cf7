"""Store the result of the comparison of groups in a file of the ModelBlessing's folder."""

import dataclasses
import json
from pathlib import Path

_FILE = "fairness.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Findings:
    """Whether the gaps are within the agreed limits, and the reasons in words."""

    passed: bool
    reasons: tuple[str, ...]


def write_findings(blessing: Path, found: Findings) -> None:
    """Write the findings into the folder of a ModelBlessing."""
    (blessing / _FILE).write_text(json.dumps(dataclasses.asdict(found), indent=2) + "\n", encoding="utf-8")


def read_findings(blessing: Path) -> Findings:
    """Return the findings in the folder of a ModelBlessing; passed, without reasons, if groups were not compared."""
    path = blessing / _FILE
    if not path.exists():
        return Findings(passed=True, reasons=())
    record = json.loads(path.read_text(encoding="utf-8"))
    return Findings(passed=record["passed"], reasons=tuple(record["reasons"]))
