"""The contract's time column, which assigns a row to a span, such as a quarter.

A tag of the column's annotation marks it: `span_time` with a tag `date:FORMAT`, or `span_time:epoch seconds` or
another format, for a column that is not a date to the model.
"""

from collections.abc import Iterable

from serving.contract.dates import EPOCH_SECONDS, find_format

_TAG = "span_time"
_DATE = "date:"


def find_time_format(name: str, tags: Iterable[str], type_name: str) -> str | None:
    """Find the format of the time column, one of the formats of `dates`; return None for any other column.

    Args:
        name: of the column.
        tags: of its annotation.
        type_name: its type, as the schema's FeatureType names it.

    Returns:
        The format.

    Raises:
        ValueError: The tag names no known format, or one that is not possible for a column of this type.
    """
    all_tags = list(tags)
    own = [tag for tag in all_tags if tag.partition(":")[0] == _TAG]
    if not own:
        return None
    written = own[0].partition(":")[2]
    found = find_format(name, [f"{_DATE}{written}"] if written else all_tags, type_name)
    if not found or len(own) > 1:
        raise ValueError(
            f"the format of the times of {name} is missing: expected one tag {_TAG}:FORMAT, such as "
            f"{_TAG}:{EPOCH_SECONDS}, or {_TAG} with a tag {_DATE}FORMAT, received {', '.join(own)}; change the tag."
        )
    return found
