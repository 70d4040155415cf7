"""Driver of ExampleGen: the cache key holds what the files hold, where TFX's own holds their sizes and times.

TFX resolves the span, asks the driver for a fingerprint of the files, and puts it into the cache key and into the
Examples, as `input_fingerprint`. Only the fingerprint is ours.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs as specs

from components.csv_example_gen.csv_files import find_files
from components.csv_example_gen.fingerprint import FileDigest, RememberedDigests, digest_file, fingerprint
from components.csv_example_gen.source_files import open_source

MEMORY_FILE = "file_digests.json"  # beside the node's artifacts


class Driver(FileBasedDriver):
    """FileBasedDriver with a fingerprint of the content."""

    def __init__(self, metadata_handle: Any) -> None:
        super().__init__(metadata_handle)
        self._remembered: RememberedDigests | None = None

    def run(self, execution_info: Any) -> Any:
        """Fills in span, version and fingerprint; remembers digests below the folder of the node's artifacts."""
        (examples,) = execution_info.output_dict[specs.EXAMPLES_KEY]
        if "://" not in examples.uri:  # <pipeline root>/<node>/<key>/<execution>
            self._remembered = RememberedDigests(Path(examples.uri).parents[1] / MEMORY_FILE)
        result = super().run(execution_info)
        if self._remembered is not None:
            self._remembered.save()
        return result

    def get_input_processor(
        self, splits: Iterable[Any], range_config: Any = None, input_base_uri: str | None = None
    ) -> FileBasedInputProcessor:
        """Returns TFX's processor, with our fingerprint."""
        return _ContentInputProcessor(input_base_uri, splits, range_config, self._digest)

    def _digest(self, path: str) -> FileDigest:
        if self._remembered is not None and "://" not in path:
            return self._remembered.digest(path)
        return digest_file(path, open_source)


class _ContentInputProcessor(FileBasedInputProcessor):
    def __init__(
        self, folder: str | None, splits: Iterable[Any], range_config: Any, digest: Callable[[str], FileDigest]
    ) -> None:
        super().__init__(folder, splits, range_config)
        self._folder = folder or ""
        self._digest = digest

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        patterns = {
            split.name: self.get_pattern_for_span_version(split.pattern, span, version) for split in self._splits
        }
        return "\n".join(
            fingerprint(name, find_files(os.path.join(self._folder, pattern), fileio.glob), self._digest)
            for name, pattern in patterns.items()
        )
