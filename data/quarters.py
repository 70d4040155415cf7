"""Split the lines of a CSV file by the quarter of a time. Standard library only."""

import datetime

_MONTHS = 3  # in a quarter


def split_by_quarter(content: bytes, column: str) -> dict[str, list[bytes]]:
    """Split the rows by quarter, such as 2014Q1, in order of time; each part begins with the header.

    Rows of a quarter keep their order and their bytes.

    Args:
        content: CSV, one row per line; no cell holds a comma.
        column: seconds since 1970, in every row.

    Returns:
        The lines of each quarter.
    """
    header, *lines = content.splitlines(keepends=True)
    place = header.decode().strip().split(",").index(column)
    parts: dict[str, list[bytes]] = {}
    for line in lines:
        parts.setdefault(_quarter_of(int(line.split(b",")[place])), [header]).append(line)
    return dict(sorted(parts.items()))


def _quarter_of(seconds: int) -> str:
    day = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    return f"{day.year}Q{(day.month - 1) // _MONTHS + 1}"
