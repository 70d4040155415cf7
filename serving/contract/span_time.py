"""The contract's time column: by its time a row belongs to a span, such as a quarter.

A tag of the column's annotation names it: `span_time` beside a tag `date:…`, or `span_time:epoch seconds` and its like
for a column that is no date to the model.
"""

from collections.abc import Iterable

from serving.contract.dates import EPOCH_SECONDS, find_format

_TAG = "span_time"
_DATE = "date:"


def find_time_format(name: str, tags: Iterable[str], type_name: str) -> str | None:
    """Find how the time column is written, in the formats of `dates`; None for any other column.

    Args:
        name: of the column.
        tags: of its annotation.
        type_name: its type, as the schema's FeatureType calls it.

    Raises:
        ValueError: The tag names no format that can be read, or that a column of this type cannot hold.
    """
    all_tags = list(tags)
    own = [tag for tag in all_tags if tag.partition(":")[0] == _TAG]
    if not own:
        return None
    written = own[0].partition(":")[2]
    found = find_format(name, [f"{_DATE}{written}"] if written else all_tags, type_name)
    if not found or len(own) > 1:
        raise ValueError(
            f"it does not say how the times of {name} are written: expected one tag {_TAG}:{EPOCH_SECONDS} or its "
            f"like, or {_TAG} beside a tag {_DATE}…, received {', '.join(own)}; change the tag."
        )
    return found
