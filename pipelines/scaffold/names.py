"""Names of the new task, and of columns whose headings a model's signature cannot use."""

import keyword
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.scaffold.errors import ScaffoldError
from serving.request_log.columns import OWN_COLUMNS

_TASK_NAME = re.compile(r"[a-z][a-z0-9_]*")  # a module, a folder, a served model, a part of a URL
# What the signatures' own arguments are called, and the columns that the gateway's request log adds.
_RESERVED = frozenset({"self", "examples", *OWN_COLUMNS})
# Where a task of that name, or something else, would already be. The modules stand beside the folder of the task.
PLACES = (
    "pipelines/tasks/{}",
    "pipelines/tasks/{}.py",
    "data/{}",
    "data/{}.py",
    "data/{}.md",
    "data/schema/{}.pbtxt",
    "serving/gateway/{}.toml",
    "tests/pipelines/tasks/{}",
)


def check_task_name(name: str, root: Path) -> None:
    """Refuses a name that cannot be a task's, or is something else's already.

    Args:
        name: of the task.
        root: of the project.

    Raises:
        ScaffoldError: It is no name, or is taken.
    """
    if not _TASK_NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ScaffoldError(
            "the task's name becomes a module, a folder and a part of a URL: expected lower-case letters, digits and "
            f"_, a letter first, and no word of Python's own, such as 'churn'; received {name!r}. Choose another NAME."
        )
    taken = [place.format(name) for place in PLACES if (root / place.format(name)).exists()]
    if taken:
        raise ScaffoldError(
            f"{', '.join(taken)}: there already, and nothing is ever overwritten. Expected a name that nothing has, "
            f"received {name!r}. Choose another NAME, or remove what an earlier task left."
        )


def make_column_names(headings: Sequence[str]) -> dict[str, str]:
    """Maps each heading to a name that a signature's argument can have: the heading itself wherever it can.

    No two names are equal but for case: people, and some file systems, take `Age` and `age` for one. The first
    keeps its heading.
    """
    kept: dict[str, str] = {}  # by the name in lower case
    for heading in filter(_is_usable, headings):
        kept.setdefault(heading.lower(), heading)
    names: dict[str, str] = {}
    taken = set(kept)
    for number, heading in enumerate(headings, start=1):
        if kept.get(heading.lower()) == heading:
            names[heading] = heading
        else:
            names[heading] = make_distinct(_make_name(heading, number), taken)
            taken.add(names[heading].lower())
    return names


def make_feature_name(column: str, ending: str, taken: Collection[str]) -> str:
    """Makes the name of a feature, such as `fare_scaled`: never a raw column's, since TFMA slices by those."""
    return make_distinct(f"{column}_{ending}", {name.lower() for name in taken})


def _is_usable(name: str) -> bool:
    plain = name.isascii() and name.isidentifier() and not name.startswith("_")
    return plain and not keyword.iskeyword(name) and name not in _RESERVED


def make_plain_name(text: str) -> str:
    """Makes a part of a name: ASCII letters, digits and _; `other` where a text has none of them."""
    return _keep_letters(text) or "other"


def _make_name(heading: str, number: int) -> str:
    name = _keep_letters(heading) or f"column_{number}"
    if name[0].isdigit():
        name = f"column_{name}"
    return name if _is_usable(name) else f"{name}_"


def _keep_letters(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "_", letters).strip("_")


def make_distinct(name: str, taken: Collection[str]) -> str:
    """Adds a number where the name is taken; `taken` is in lower case."""
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{name}_{number}", number + 1
    return found
