"""Fingerprint ExampleGen's files by their contents, while TFX's own driver uses their sizes and times.

TFX resolves the span, gets a fingerprint of the files from the driver, and puts it into the cache key and into the
Examples as `input_fingerprint`. This driver computes the fingerprint. It also sets span and version if the caller gives
a label.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs as specs

from components.artifact_files import is_local
from components.csv_example_gen.csv_files import find_files
from components.csv_example_gen.fingerprint import FileDigest, RememberedDigests, digest_file, fingerprint
from components.csv_example_gen.source_files import open_source
from components.csv_example_gen.span_label import SpanLabel, read_label
from components.span_names import SPAN_NAME

MEMORY_FILE = "file_digests.json"  # in the folder of the node's artifacts


class Driver(FileBasedDriver):
    """TFX's FileBasedDriver with a fingerprint of the files' contents."""

    def __init__(self, metadata_handle: Any) -> None:
        super().__init__(metadata_handle)
        self._remembered: RememberedDigests | None = None

    def run(self, execution_info: Any) -> Any:
        """Fill in span, version and fingerprint; keep digests in MEMORY_FILE if the artifacts are local."""
        (examples,) = execution_info.output_dict[specs.EXAMPLES_KEY]
        if is_local(examples.uri):  # <pipeline root>/<node>/<key>/<execution>
            self._remembered = RememberedDigests(Path(examples.uri).parents[1] / MEMORY_FILE)
        result = super().run(execution_info)
        if label := read_label(execution_info.exec_properties.get(specs.CUSTOM_CONFIG_KEY)):
            for artifact in result.output_artifacts[specs.EXAMPLES_KEY].artifacts:
                _write_label(artifact, label)
        if self._remembered is not None:
            self._remembered.save()
        return result

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Return the properties with span, version and fingerprint; a label's span and version take precedence."""
        resolved = super().resolve_exec_properties(exec_properties, pipeline_info, component_info)
        if label := read_label(resolved.get(specs.CUSTOM_CONFIG_KEY)):
            resolved |= {utils.SPAN_PROPERTY_NAME: label.number, utils.VERSION_PROPERTY_NAME: label.version}
        return resolved

    def get_input_processor(
        self, splits: Iterable[Any], range_config: Any = None, input_base_uri: str | None = None
    ) -> FileBasedInputProcessor:
        """Return TFX's processor, with our fingerprint."""
        return _ContentInputProcessor(input_base_uri, splits, range_config, self._digest)

    def _digest(self, path: str) -> FileDigest:
        if self._remembered is not None and is_local(path):
            return self._remembered.digest(path)
        return digest_file(path, open_source)


def _write_label(examples: Any, label: SpanLabel) -> None:
    """Write the label to the properties that the type Examples declares; TFX's driver writes only custom properties.

    StatisticsGen copies the declared span to its Statistics.
    """
    examples.properties[utils.SPAN_PROPERTY_NAME].int_value = label.number
    examples.properties[utils.VERSION_PROPERTY_NAME].int_value = label.version
    examples.custom_properties[SPAN_NAME].string_value = label.name


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
