"""The files that hosts of repositories read are what those hosts' schemas ask for."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("citation-file-format", "CITATION.cff"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_a_file_meets_its_schema(schema: str, pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files != []
    tool = Path(sys.executable).with_name("check-jsonschema")
    checked = subprocess.run([tool, "--builtin-schema", f"vendor.{schema}", *files], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
