"""The files that ExampleGen read, as ML Metadata records them."""

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
    """What one Examples artifact was made from."""

    folder: str
    patterns: Mapping[str, str]  # name of the input split -> pattern of file names
    fingerprint: str  # of what the files held; in older records TFX's: their number, size and times
    span: int
    split: str  # how the rows were split; empty in older records: by row
    rows: Mapping[str, int]  # split -> rows that were written
    examples: Artifact
    read: datetime.datetime  # UTC

    @property
    def files(self) -> list[str]:
        """The files that match now; `unchanged` says whether they still are what was read."""
        return [path for pattern in self.patterns.values() for path in self._matching(pattern)]

    @property
    def unchanged(self) -> bool:
        """Whether the files still are what was read. Reads them all; older records know only their sizes and times."""
        compute = self._of_content if BLAKE2B in self.fingerprint else self._of_times
        return "\n".join(compute(split) for split in self.patterns) == self.fingerprint

    def matches(self, data: str | Path) -> bool:
        """Tell whether `data` names this source: its fingerprint, its folder, or a file that was read from it."""
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
        """Compute tfx.utils.io_utils.generate_fingerprint without TensorFlow; times are in whole seconds."""
        stats = [Path(path).stat() for path in self._matching(self.patterns[split])]
        either, total = 0, 0
        for stat in stats:
            either, total = either ^ int(stat.st_mtime), total + int(stat.st_mtime)
        size = sum(stat.st_size for stat in stats)
        return f"split:{split},num_files:{len(stats)},total_bytes:{size},xor_checksum:{either},sum_checksum:{total}"


def read_data_sources(metadata: Metadata) -> list[DataSource]:
    """Read every data source that was ever read, in the order of reading."""
    steps = (step for step in metadata.steps.values() if step.state == "COMPLETE" and "input_base" in step.parameters)
    return [_make_data_source(metadata, step) for step in steps]


def find_data_source(metadata: Metadata, examples: int) -> DataSource | None:
    """Find the data that an Examples artifact was made from."""
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
