"""What is asked: which files, which model, what to keep. It travels to every worker."""

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
    """One prediction of all rows of some files."""

    files: tuple[str, ...]  # in the order in which they are read; all with the same header
    model: Path  # a SavedModel with its contract
    version: int  # of the model
    threshold: float | None = None  # the decision is true from this probability on; None: no decision by threshold
    classes: tuple[str, ...] = ()  # what the model's outputs stand for, where there are several that have names
    keep: tuple[str, ...] = ()  # columns of the files that the output has, too, as they are written

    def header(self) -> list[str]:
        """Read the column names that all files share, and checks that those to keep are among them.

        Raises:
            SourceError: A file cannot be read.
            BatchPredictionError: Two files share a name; the files differ in their columns; one to keep is not there,
                or has a name that the output needs for itself.
        """
        by_name: dict[str, str] = {}
        for file in self.files:
            if (other := by_name.setdefault(Path(file).name, file)) != file:
                raise BatchPredictionError(
                    f"{other} and {file} have the same name: the output names a row by file name and line. Rename one, "
                    "or predict them one by one."
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
                    f"the column {name!r} cannot be kept: the output has a column of its own with that name, or may; "
                    "rename it in the files."
                )
        return header

    def identity(self, made_by: str) -> str:
        """Return a digest of all that decides what the parts hold, in hex.

        Args:
            made_by: the code, and how it divides the files.
        """
        told = {
            "data": fingerprint_files(self.files),
            "model": _digest_model(self.model),
            "settings": [self.version, self.threshold, self.classes, self.keep],
            "made by": made_by,
        }
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def fingerprint_files(files: Sequence[str]) -> str:
    """Return the fingerprint of what files hold and what they are called, which the output says; reads them.

    Raises:
        SourceError: One cannot be read.
    """
    return json.dumps([fingerprint("data", files), *(Path(file).name for file in files)])


def _digest_model(model: Path) -> Sequence[tuple[str, str]]:
    files = sorted(path for path in model.rglob("*") if path.is_file())
    return [(str(path.relative_to(model)), digest_file(str(path)).digest) for path in files]
