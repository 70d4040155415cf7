"""`make coverage`: runs the tests, given pytest's arguments, and prints the modules that they run too little of.

Lines and branches, in the processes that the tests start, too; [tool.coverage.run] in pyproject.toml says how. Exit
status: pytest's own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ENOUGH = 85  # percent


def main() -> int:
    """Runs pytest under coverage, puts what all processes wrote together, and prints the table."""
    tests = _coverage("run", "-m", "pytest", *sys.argv[1:])
    _coverage("combine", "--quiet")
    report = Path(os.environ["COVERAGE_FILE"]).with_name("report.json")
    # Some tests run copies of parts of the project, which are gone by now.
    if status := _coverage("json", "--quiet", "--ignore-errors", "-o", str(report)):
        return status
    print(table(json.loads(report.read_text())))
    return tests


def table(report: dict) -> str:
    """The modules below ENOUGH, the worst first, and all together; from coverage's JSON report."""
    shares = sorted((module["summary"]["percent_covered"], name) for name, module in report["files"].items())
    few = [(share, name) for share, name in shares if share < ENOUGH]
    rows = [*few, (report["totals"]["percent_covered"], f"in all, {len(shares)} modules, {len(few)} below {ENOUGH}%")]
    return "\n".join(f"{share:5.1f}%  {name}" for share, name in rows)


def _coverage(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
