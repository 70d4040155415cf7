"""`data-pin` and `data-restore`: keep and restore versions of the data."""

from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.data_versions.options import PinOptions, RestoreOptions

PIN_EPILOGUE = """Examples:
  python -m pipelines data-pin --remote s3://bucket/taxi --dvc DVC
  python -m pipelines data-pin --run latest --dvc DVC

Exit status: 0 pinned and pushed; 1 something could not be pinned; 2 bad
usage, or another pin or restore is using the folder.
"""
RESTORE_EPILOGUE = """Examples:
  python -m pipelines data-restore --run 20261129-131223 --dvc DVC
  python -m pipelines data-restore --run latest --out /tmp/rows --dvc DVC

Exit status: 0 restored; 1 it could not be restored, and nothing is left of
it; 2 bad usage, or another pin or restore is using the folder.
"""
_PIN, _RESTORE = PinOptions(), RestoreOptions()


def data_pin(options: Annotated[PinOptions, Parameter(name="*")] = _PIN) -> int:
    """Keep the data that runs and ingestions read, with DVC.

    For each file that has not changed since it was read: copies it into DVC's
    cache, pushes it to the remote, and writes a small .dvc file, in a folder
    named by the digest in the run's record. Commit the .dvc files. See
    docs/how-to/data-versions.md.

    Returns:
        The exit status.
    """
    require_task(options.task)
    from pipelines.data_versions import command  # import late: --help does not need pandas

    return command.pin(options)


def data_restore(options: Annotated[RestoreOptions, Parameter(name="*")] = _RESTORE) -> int:
    """Restore exactly the data that a run was trained on, from DVC's remote.

    Needs the run's record (<var>/runs/<run>/summary.json) and the .dvc files
    that data-pin wrote. Compares the restored data with the digest in the
    record, and removes the data again if it differs.

    Returns:
        The exit status.
    """
    require_task(options.task)
    from pipelines.data_versions import command  # import late: --help does not need pandas

    return command.restore(options)
