"""Read from ML Metadata which files ExampleGen read."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path

from components.csv_example_gen.csv_files import is_match, list_matches
from components.csv_example_gen.fingerprint import BLAKE2B, fingerprint
from pipelines.runs.metadata import Artifact, Metadata, Step

_ROWS = "rows_"  # with a split's name: custom property that our ExampleGen gives its Examples


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSource:
    """The files of one Examples artifact."""

    folder: str
    patterns: Mapping[str, str]  # name of the input split -> pattern of file names
    fingerprint: str  # of the files' content; in older records TFX's, of their number, size and times
    span: int
    split: str  # how the rows were split; empty in older records: by row
    rows: Mapping[str, int]  # split -> rows that were written
    examples: Artifact
    read: datetime.datetime  # when they were read, UTC

    @property
    def files(self) -> list[str]:
        """The files that match the patterns now; see `unchanged`."""
        return [path for pattern in self.patterns.values() for path in self._matching(pattern)]

    @property
    def unchanged(self) -> bool:
        """Whether the files are unchanged since they were read.

        It reads all files. For older records it compares only their number, sizes and times.
        """
        compute = self._of_content if BLAKE2B in self.fingerprint else self._of_times
        return "\n".join(compute(split) for split in self.patterns) == self.fingerprint

    def matches(self, data: str | Path) -> bool:
        """Tell whether `data` is this source's fingerprint, its folder, or a file in it that matches the patterns."""
        if str(data) == self.fingerprint:
            return True
        path, folder = Path(data).resolve(), Path(self.folder).resolve()
        inside = path.parent == folder and any(is_match(path.name, pattern) for pattern in self.patterns.values())
        return path == folder or inside

    def _matching(self, pattern: str) -> list[str]:
        return list_matches(Path(self.folder) / pattern)

    def _of_content(self, split: str) -> str:
        return fingerprint(split, self._matching(self.patterns[split]))

    def _of_times(self, split: str) -> str:
        """Compute the fingerprint of tfx.utils.io_utils without loading TensorFlow; times are in whole seconds."""
        stats = [Path(path).stat() for path in self._matching(self.patterns[split])]
        either, total = 0, 0
        for stat in stats:
            either, total = either ^ int(stat.st_mtime), total + int(stat.st_mtime)
        size = sum(stat.st_size for stat in stats)
        return f"split:{split},num_files:{len(stats)},total_bytes:{size},xor_checksum:{either},sum_checksum:{total}"


def read_data_sources(metadata: Metadata) -> list[DataSource]:
    """Return all data sources that were read, in the order of reading."""
    steps = (step for step in metadata.steps.values() if step.state == "COMPLETE" and "input_base" in step.parameters)
    return [_make_data_source(metadata, step) for step in steps]


def find_data_source(metadata: Metadata, examples: int) -> DataSource | None:
    """Return the files of an Examples artifact; None if it was not made from files."""
    step = metadata.find_producer(examples)
    return _make_data_source(metadata, step) if step is not None and "input_base" in step.parameters else None


def _make_data_source(metadata: Metadata, step: Step) -> DataSource:
    (examples,) = metadata.get_artifacts(step.outputs["examples"])
    properties = examples.properties
    return DataSource(
        folder=str(step.parameters["input_base"]),
        patterns={split["name"]: split["pattern"] for split in step.parameters["input_config"]["splits"]},
        fingerprint=str(properties.get("input_fingerprint", "")),
        span=int(properties.get("span", 0)),
        split=str(properties.get("split", "")),
        rows={
            name.removeprefix(_ROWS): int(properties[name])
            for name in sorted(properties, reverse=True)
            if name.startswith(_ROWS)
        },
        examples=examples,
        read=step.ended,
    )
