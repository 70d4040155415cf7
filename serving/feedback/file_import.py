"""Import outcomes from a CSV file, by the rules of POST /v1/feedback, and report refused lines."""

import collections
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from serving import durable_file
from serving.contract import Contract, Feature, Kind, Value
from serving.did_you_mean import suggestion
from serving.feedback.columns import OUTCOME
from serving.feedback.label import ROW, outcome_contract
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome, Refusal
from serving.request_log.columns import REQUEST_ID

_BATCH_LINES = 10_000  # lines that are checked and written at a time
# A user who can write into the store's folder may report outcomes of all requests.
_OPERATOR = Caller(digest=None, trusted=True)
_COLUMNS = (REQUEST_ID, ROW, OUTCOME)
_NUMBER = re.compile(r"[ ]*[-+]?[0-9.]+([eE][-+]?[0-9]+)?[ ]*")
_REPORT_COLUMNS = ("line", *_COLUMNS, "code", "detail")


class ImportFileError(ValueError):
    """The file is not a CSV file of outcomes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefusedLine:
    """A line that was not stored."""

    line: int  # from 1, including the header's line
    cells: tuple[str, str, str]  # as in the file
    code: str
    detail: str


@dataclasses.dataclass(kw_only=True)
class ImportResult:
    """The result of the lines read so far."""

    stored: int = 0
    stored_before: int = 0  # the same outcome, from an earlier import or the gateway
    refused: list[RefusedLine] = dataclasses.field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of refused lines for each reason, the most frequent first."""
        return dict(collections.Counter(line.code for line in self.refused).most_common())

    def write_report(self, path: Path) -> None:
        """Write the refused lines as CSV.

        Args:
            path: the file to write.

        Raises:
            OSError: The file cannot be written.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_REPORT_COLUMNS)
        writer.writerows((line.line, *line.cells, line.code, line.detail) for line in self.refused)
        durable_file.write_whole(path, text.getvalue(), mode=0o640)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Line:
    line: int
    cells: tuple[str, str, str]
    outcome: Outcome | None  # None if it breaks the contract
    detail: str  # why there is no outcome


def import_file(path: Path, contract: Contract, label: Feature, store: FeedbackStore, result: ImportResult) -> None:
    """Store the outcomes in a file. A second import stores what is missing, and nothing twice.

    Args:
        path: CSV with the columns request_id, outcome and, for requests with several rows, row.
        contract: of the requests.
        label: the contract's label.
        store: stores the outcomes.
        result: collects the result of each line; if an error ends the import, it covers the lines before.

    Raises:
        ImportFileError: The file is not CSV with these columns.
        IdFileError: The request log or the feedback cannot be read.
        OSError: The file cannot be read, or the feedback cannot be written.
    """
    rule = outcome_contract(contract, label)
    lines = _read(path, rule)
    while batch := list(itertools.islice(lines, _BATCH_LINES)):
        outcomes = [line.outcome for line in batch if line.outcome is not None]
        sent = [line for line in batch if line.outcome is not None]
        verdict = store.store(outcomes, _OPERATOR)
        result.stored += verdict.stored
        refused = [_refused(line, Refusal.INVALID.value, line.detail) for line in batch if line.outcome is None]
        known = [each for each in verdict.refused if each.refusal is Refusal.DUPLICATE]
        result.stored_before += len(known)
        refused += [
            _refused(sent[each.position], each.refusal.value, each.detail)
            for each in verdict.refused
            if each.refusal is not Refusal.DUPLICATE
        ]
        result.refused += sorted(refused, key=lambda line: line.line)


def _refused(line: _Line, code: str, detail: str) -> RefusedLine:
    return RefusedLine(line=line.line, cells=line.cells, code=code, detail=detail)


def _read(path: Path, rule: Contract) -> Iterator[_Line]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_header(path, reader.fieldnames or [])
            for record in reader:
                yield _line(reader.line_num, record, rule)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportFileError(f"{path}: expected CSV in UTF-8, received {error}") from error


def _check_header(path: Path, names: Sequence[str]) -> None:
    for name in names:
        if name not in _COLUMNS:
            raise ImportFileError(f"{path}: unknown column {name!r}; {suggestion(name, _COLUMNS)}")
    for name in _COLUMNS:
        if list(names).count(name) not in ((0, 1) if name == ROW else (1,)):
            raise ImportFileError(
                f"{path}: expected a first line with the columns {', '.join(_COLUMNS)}, received "
                f"{', '.join(names) or 'none'}"
            )


def _line(number: int, record: dict[str | None, str | list[str] | None], rule: Contract) -> _Line:
    cells = tuple(str(record.get(name) or "") for name in _COLUMNS)
    request_id, row, outcome = cells
    if None in record or None in record.values():
        return _Line(
            line=number, cells=(request_id, row, outcome), outcome=None,
            detail=f"expected {len(_COLUMNS)} cells, or as many as in the first line, received another number",
        )  # fmt: skip
    values: dict[str, Value | None] = {}
    for feature, text in zip(rule.features, cells, strict=True):
        value = _value(text, feature.kind)
        if not text and not feature.required:
            values[feature.name] = None
        elif value is None or not feature.accepts(value, rule.missing):
            detail = f"{feature.name}: expected {feature.expectation}, received {text[:80]!r}"
            return _Line(line=number, cells=(request_id, row, outcome), outcome=None, detail=detail)
        else:
            values[feature.name] = value
    outcome_value = values[OUTCOME]
    assert outcome_value is not None  # the contract of outcomes requires it
    return _Line(
        line=number, cells=(request_id, row, outcome), detail="",
        outcome=Outcome(request_id=request_id, row=int(values[ROW] or 0), value=outcome_value),
    )  # fmt: skip


def _value(text: str, kind: Kind) -> Value | None:
    if kind is not Kind.BYTES and not _NUMBER.fullmatch(text):  # Python itself would accept 1_000 and ٣
        return None
    try:
        return {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}[kind](text)
    except ValueError:
        return None
