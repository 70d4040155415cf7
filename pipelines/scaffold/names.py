"""Check the new task's name, and make names of columns and features that a model's signature can use."""

import keyword
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.scaffold.errors import ScaffoldError
from serving.request_log.columns import OWN_COLUMNS

_TASK_NAME = re.compile(r"[a-z][a-z0-9_]*")  # names a module, a folder, a served model and a part of a URL
# The signatures' own arguments, and the columns that the gateway's request log adds.
_RESERVED = frozenset({"self", "examples", *OWN_COLUMNS})
# Paths of a task's files, and of modules with the same import names: none of them may exist.
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
    """Check that a name is valid for a task and not in use.

    Args:
        name: Name of the task.
        root: The project's folder.

    Raises:
        ScaffoldError: The name is invalid, or in use.
    """
    if not _TASK_NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ScaffoldError(
            "the task's name becomes a module, a folder and a part of a URL: expected lower-case letters, digits and "
            f"_, a letter first, and no word of Python's own, such as 'churn'; received {name!r}. Choose another NAME."
        )
    taken = [place.format(name) for place in PLACES if (root / place.format(name)).exists()]
    if taken:
        raise ScaffoldError(
            f"{', '.join(taken)}: already exists, and new-task overwrites nothing. Expected a name that is not in use, "
            f"received {name!r}. Choose another NAME, or remove the files of an earlier task."
        )


def make_column_names(headings: Sequence[str]) -> dict[str, str]:
    """Return for each heading a valid name of a signature's argument: the heading itself if it is one.

    No two names differ only in case, since people and some file systems do not tell `Age` from `age`. The first of
    such headings keeps its name.

    Example:
        >>> make_column_names(["Age", "age", "Price (€)", "class", "2nd"])
        {'Age': 'Age', 'age': 'age_2', 'Price (€)': 'Price', 'class': 'class_', '2nd': 'column_2nd'}
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
    """Return a name for a feature, such as `fare_scaled`, that no raw column has: TFMA slices by those names.

    Example:
        >>> make_feature_name("fare", "scaled", taken={"fare", "Fare_scaled"})
        'fare_scaled_2'
    """
    return make_distinct(f"{column}_{ending}", {name.lower() for name in taken})


def _is_usable(name: str) -> bool:
    plain = name.isascii() and name.isidentifier() and not name.startswith("_")
    return plain and not keyword.iskeyword(name) and name not in _RESERVED


def make_plain_name(text: str) -> str:
    """Return the ASCII letters, digits and underscores of a text, for a part of a name; `other` if it has none.

    Example:
        >>> make_plain_name("Café crème"), make_plain_name("日本")
        ('Cafe_creme', 'other')
    """
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
    """Add a number to the name if it is taken; `taken` is in lower case."""
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{name}_{number}", number + 1
    return found
