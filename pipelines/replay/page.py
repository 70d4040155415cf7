"""The page."""

from pathlib import Path
from pipelines.replay.record import ReplayRecord


def write_page(record: ReplayRecord, folder: Path) -> Path:
    return folder / "page.html"
