"""`feedback`: store the outcomes of predicted rows."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from serving.cli.gateway import SETTINGS
from serving.cli.usage import OPTION_STYLE, UsageError

if TYPE_CHECKING:
    from serving.feedback.file_import import ImportResult

_STORED, _REFUSED, _BAD_USAGE = 0, 1, 2
_LINES_SHOWN = 20

EPILOGUE = """Exit status: 0 every line is stored, now or by an earlier import; 1 some lines
are refused, or something failed; 2 bad usage.
"""

app = App(
    name="feedback",
    help="Store the outcomes of predicted rows.",
    help_epilogue=EPILOGUE,
    help_format="plaintext",
    version_flags=(),
    sort_key=2,
    default_parameter=OPTION_STYLE,
)


@app.command(name="import")
def import_outcomes(
    file: Path,
    /,
    *,
    settings: Path | None = None,
    task: str = "taxi",
    var: Path | None = None,
    report: Path | None = None,
) -> int:
    """Import outcomes from a CSV file, by the rules of POST /v1/feedback.

    The columns are request_id, outcome and, if a request had several rows, row.

    Args:
        file: The CSV file.
        settings: The gateway's TOML file; without it, serving/gateway/<task>.toml.
        task: The task of the gateway that logged the requests.
        var: Read the request log from <var>/requests/<task>/, and store outcomes in <var>/feedback/<task>/.
        report: File for the refused lines; without it, <file>.refused.csv.

    Returns:
        The exit status.

    Raises:
        UsageError: There is no such file.
    """  # noqa: DOC501 - the SettingsError is caught in this function
    if not file.is_file():
        raise UsageError(f"expected a CSV file, received {file}, which is not a file")
    from serving import contract as contracts  # import late: --help does not need pyarrow and pydantic
    from serving.feedback.file_import import ImportFileError, ImportResult, import_file
    from serving.feedback.label import read_label
    from serving.feedback.store import FeedbackStore
    from serving.gateway.settings import SettingsError, load
    from serving.request_log.files_by_id import IdFileError

    folders = {
        "request_log.folder": var and str(var / "requests" / task),
        "feedback.folder": var and str(var / "feedback" / task),
    }
    try:
        gateway = load(
            settings or SETTINGS / f"{task}.toml", os.environ, {name: value for name, value in folders.items() if value}
        )
        if not (gateway.feedback and gateway.request_log):
            raise SettingsError(
                "expected the folders of the request log and of feedback, received none: pass --var, or set them"
            )
        contract, label = contracts.read(gateway.contract), read_label(gateway.contract, gateway.label)
        store = FeedbackStore(gateway.feedback, label, gateway.request_log)
    except (SettingsError, ValueError, OSError) as error:
        print(f"python -m serving feedback import: error: {error}", file=sys.stderr)
        return _BAD_USAGE
    result, fault = ImportResult(), None
    try:
        import_file(file, contract, label, store, result)
    except (ImportFileError, IdFileError, OSError) as error:
        fault = error
    finally:
        store.close()
    _tell(result)
    path = report or file.with_name(f"{file.name}.refused.csv")
    try:
        if result.refused:
            result.write_report(path)
            print(f"report   {path}: {len(result.refused):,} lines")
        elif not fault:
            path.unlink(missing_ok=True)  # of an earlier import; now no line is refused
    except OSError as error:
        fault = fault or error
    if fault:
        print(f"error: {fault}; correct it and import the file again: nothing is stored twice.", file=sys.stderr)
        return _REFUSED
    return _REFUSED if result.refused else _STORED


def _tell(result: "ImportResult") -> None:
    before = f"; {result.stored_before:,} were stored already" if result.stored_before else ""
    print(f"stored   {result.stored:,} outcomes{before}")
    for code, count in result.counts.items():
        print(f"refused  {count:,} {code}")
    for line in result.refused[:_LINES_SHOWN]:
        print(f"line {line.line}: {line.code}: {line.detail}")
    if len(result.refused) > _LINES_SHOWN:
        print(f"and {len(result.refused) - _LINES_SHOWN:,} more")
    if "unknown_request" in result.counts:
        print("Requests of the last minute may not be in the log's files yet: import the file again later.")
