"""`ingest`: check new spans of rows, and accept or refuse them."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.ingestion.options import IngestOptions
from serving.cli.usage import UsageError

EPILOGUE = """Examples:
  python -m pipelines ingest --from var/data/taxi-spans
  python -m pipelines ingest --from /drop --pattern trips-{YYYY}-{MM}-{DD}
  python -m pipelines ingest --from-log --window month

Exit status: 0 every span of the folder is accepted; 1 a span is in quarantine,
or something failed; 2 bad usage, or another run is using the folder; 130
interrupted.
"""


def ingest(options: Annotated[IngestOptions | None, Parameter(name="*")] = None) -> int:
    """Ingest the spans of a folder, such as quarters or days: check each against the contract.

    Reads each span that is new, or whose files have changed, and checks it as
    `run` checks its rows. Drift is measured from the accepted span before it.
    `run` can train on an accepted span. A refused span is put into
    <var>/quarantine/<task>/<span>/, with the reasons and the rows that caused
    them. A corrected span is a new version.

    With --from-log, ingests the logged rows that a model answered and whose
    outcome is known. Rows that are left out are counted.

    If it is killed, the next call continues from there. See
    docs/how-to/spans.md.

    Returns:
        The exit status.

    Raises:
        UsageError: Neither --from nor --from-log was given.
    """
    if options is None:
        raise UsageError("expected --from FOLDER or --from-log, received neither")
    require_task(options.task)
    from pipelines.ingestion import command  # import late: --help does not need rich

    return command.ingest(options)
