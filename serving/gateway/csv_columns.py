"""Check the columns of a CSV file against the contract."""

import difflib
from collections.abc import Collection, Sequence

from serving.contract import Contract, Feature
from serving.did_you_mean import closest
from serving.gateway.problems import FieldProblem, ProblemError
from serving.gateway.row_validator import MOST_ERRORS, shown

INVALID_COLUMNS = "invalid_columns"  # code: the first line does not fit the contract
MOST_OTHERS = 1000  # columns beyond the contract's: each is compared with its names
_MISSPELT = 0.91  # difflib's ratio from which an unknown name counts as a typo; its column would be ignored silently


def check_columns(header: Sequence[str], contract: Contract, appended: Collection[str]) -> None:
    """Check the first line against the contract.

    Args:
        header: the columns' names.
        contract: the features of a row.
        appended: columns that the answer adds.

    Raises:
        ProblemError: 422, a column appears twice, is misspelt, is missing though required, or has the name of an
            answer's column; or there are too many.
    """
    most = len(contract.features) + MOST_OTHERS
    if len(header) > most:
        raise ProblemError(
            422,
            INVALID_COLUMNS,
            f"The file has too many columns: expected at most {most:,}, received {len(header):,}; leave out some that "
            "the contract does not name.",
        )
    spare = [name for name in header if all(name != feature.name for feature in contract.features)]
    faults = [fault for feature in contract.features if (fault := _find_fault(feature, header, spare))]
    faults += [
        _describe(name, "no column of this name, because the answer adds one (remove or rename it)", "one")
        for name in appended
        if name in header
    ]
    if faults:
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        first = f"{faults[0].field}: expected {faults[0].expected}, received {faults[0].received}"
        raise ProblemError(422, INVALID_COLUMNS, f"The columns do not fit: {first}{more}.", errors=faults[:MOST_ERRORS])


def _find_fault(feature: Feature, header: Sequence[str], spare: Sequence[str]) -> FieldProblem | None:
    """Return the fault of a feature's column, if any.

    Args:
        feature: of the contract.
        header: of the file.
        spare: the file's names that are not features.

    Returns:
        The fault; None if there is none.
    """
    count = header.count(feature.name)
    if count == 1:
        return None
    if count > 1:
        return _describe(feature.name, "one column of this name", str(count))
    folded = (name for name in spare if name.strip().casefold() == feature.name.strip().casefold())
    meant = next(folded, None) or next(iter(difflib.get_close_matches(feature.name, spare, 1, _MISSPELT)), None)
    if meant is not None:
        return _describe(feature.name, "a column of this name, or no similar one (rename it)", shown(meant))
    if feature.required and not (feature.part and feature.part.source in header):
        close = closest(feature.name, spare)
        return _describe(
            feature.name, "a column of this name", f"none; did you mean {shown(close)}?" if close else "none"
        )
    return None


def _describe(column: str, expected: str, received: str) -> FieldProblem:
    return FieldProblem(row=0, field=column, expected=expected, received=received, line=1)
