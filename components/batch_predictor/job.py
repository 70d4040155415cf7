"""Describe a batch prediction: files, model and output columns. Beam pickles the description for its workers."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from components.batch_predictor.errors import BatchPredictionError
from components.csv_example_gen.fingerprint import digest_file, fingerprint
from components.csv_example_gen.records import read_header
from serving.did_you_mean import suggestion

FILE, LINE = "file", "line"
PREDICTION, DECISION = "prediction", "decision"
MODEL_VERSION, PREDICTION_TIME = "model_version", "prediction_time"
OWN_COLUMNS = (FILE, LINE, PREDICTION, DECISION, MODEL_VERSION, PREDICTION_TIME)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionJob:
    """A prediction of all rows of some files."""

    files: tuple[str, ...]  # in the order in which they are read; all with the same header
    model: Path  # a SavedModel with its contract
    version: int  # version of the model
    threshold: float | None = None  # the decision is true from this probability on; None: no decision by threshold
    classes: tuple[str, ...] = ()  # names of the model's outputs, if it has several with names
    keep: tuple[str, ...] = ()  # columns of the files that are copied to the output, as text

    def header(self) -> list[str]:
        """Return the header of the files, after checking that all have the same and that it has the columns to keep.

        Raises:
            SourceError: A file cannot be read.
            BatchPredictionError: Two files have the same name. The headers differ. A column to keep does not exist, or
                its name is that of a column of the output.
        """
        by_name: dict[str, str] = {}
        for file in self.files:
            if (other := by_name.setdefault(Path(file).name, file)) != file:
                raise BatchPredictionError(
                    f"{other} and {file} have the same name: expected different names, since the output gives a row's "
                    "file name and line. Rename one, or predict them one by one."
                )
        header = read_header(self.files[0])
        for file in self.files[1:]:
            if (names := read_header(file)) != header:
                raise BatchPredictionError(
                    f"{file}: all files must have the same header. Expected, as in {self.files[0]}: "
                    f"{','.join(header)}. Received: {','.join(names)}. Predict them one by one."
                )
        for name in self.keep:
            if name not in header:
                raise BatchPredictionError(f"no column {name!r} to keep in {self.files[0]}: {suggestion(name, header)}")
            if name in OWN_COLUMNS or name.startswith(f"{PREDICTION}_"):
                raise BatchPredictionError(
                    f"the column {name!r} cannot be kept: the output may have a column of its own with that name; "
                    "rename the column in the files."
                )
        return header

    def identity(self, made_by: str) -> str:
        """Return a hex digest of everything that determines the contents of the parts.

        Args:
            made_by: digest of the code, and how it divides the files.
        """
        content = {
            "data": fingerprint_files(self.files),
            "model": _digest_model(self.model),
            "settings": [self.version, self.threshold, self.classes, self.keep],
            "made by": made_by,
        }
        return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def fingerprint_files(files: Sequence[str]) -> str:
    """Return a fingerprint of the contents and the names of files; the names are in the output.

    Raises:
        SourceError: A file cannot be read.
    """
    return json.dumps([fingerprint("data", files), *(Path(file).name for file in files)])


def _digest_model(model: Path) -> Sequence[tuple[str, str]]:
    files = sorted(path for path in model.rglob("*") if path.is_file())
    return [(str(path.relative_to(model)), digest_file(str(path)).digest) for path in files]
