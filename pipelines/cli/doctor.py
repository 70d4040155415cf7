"""`doctor`: show what this machine lacks, and how to fix it."""

import subprocess
from pathlib import Path

_START = Path(__file__).resolve().parents[2] / "environment" / "start"


EPILOGUE = """Examples:
  python -m pipelines doctor

Exit status: 0 nothing is missing; 2 something is.
"""


def doctor() -> int:
    """Show which stack this machine gets and why, what is missing, and the fix.

    The same as make doctor, which also works before the set-up.

    Returns:
        The exit status.
    """
    # In a separate process: the set-up runs on any Python, and `pipelines` must not import it.
    return subprocess.run([_START, "doctor"], check=False).returncode
