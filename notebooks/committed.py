"""Keep the notebooks' outputs out of version control: they hold rows of data, and every run changes them.

python -m notebooks.committed            exit status 1 if a notebook holds outputs
python -m notebooks.committed --clear    clears the outputs
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from serving.durable_file import write_whole

_FOLDER = Path(__file__).parent
_COUNT, _OUTPUTS, _WIDGETS = "execution_count", "outputs", "widgets"  # names in Jupyter's format


def find_outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the code cells that hold outputs, or the number of their execution."""
    return [cell for cell in notebook["cells"] if cell.get(_OUTPUTS) or cell.get(_COUNT) is not None]


def clear(path: Path) -> bool:
    """Clear the outputs of a notebook, and return whether it had any."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = find_outputs(notebook)
    if not cells and _WIDGETS not in notebook["metadata"]:
        return False
    for cell in cells:
        cell[_OUTPUTS], cell[_COUNT] = [], None
    notebook["metadata"].pop(_WIDGETS, None)
    write_whole(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")  # the layout that Jupyter writes
    return True


def main(arguments: Sequence[str], notebooks: Iterable[Path]) -> int:
    """Check the notebooks, or clear them with --clear, and return the exit status."""
    paths = sorted(notebooks)
    if "--clear" in arguments:
        for path in paths:
            if clear(path):
                print(f"cleared {path.name}")
        return 0
    found = [path for path in paths if find_outputs(json.loads(path.read_text(encoding="utf-8")))]
    for path in found:
        print(f"{path.name} holds outputs, which may show rows of data: run `make format`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], _FOLDER.glob("*.ipynb")))
