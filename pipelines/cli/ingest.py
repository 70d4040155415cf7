"""`ingest`: spans of rows that arrived."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.ingestion.options import IngestOptions
from serving.cli.usage import UsageError

EPILOGUE = """Examples:
  python -m pipelines ingest --from var/data/taxi-spans
  python -m pipelines ingest --from /drop --pattern trips-{YYYY}-{MM}-{DD}
  python -m pipelines ingest --from-log --window month

Exit status: 0 every span of the folder is accepted; 1 one stands in
quarantine, or something failed; 2 bad usage, or another run is using the
folder; 130 interrupted.
"""


def ingest(options: Annotated[IngestOptions | None, Parameter(name="*")] = None) -> int:
    """Take in the spans of a folder, such as quarters or days: check each against the contract.

    Each span that is new, or whose files hold something else than before, is
    read, and checked as `run` checks its rows; drift is measured from the
    accepted span before it. An accepted span can be trained on. A refused one
    changes nothing: it stands in <var>/quarantine/<task>/<span>/, with the
    reasons and the rows to blame. A span that was corrected is a new version.

    With --from-log the rows are those that a model answered and whose outcome
    was told since; what is left out is counted.

    Killed at any moment, the next one goes on. docs/how-to/spans.md says more.
    """
    if options is None:
        raise UsageError("expected --from FOLDER or --from-log, received neither")
    require_task(options.task)
    from pipelines.ingestion import command  # Imported here: it loads rich, which --help need not wait for.

    return command.ingest(options)
