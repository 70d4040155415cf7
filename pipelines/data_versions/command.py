"""Run the commands `data-pin` and `data-restore`: print their lines and return their exit status."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from components.csv_example_gen.file_contents import SourceError
from pipelines.data_versions.dvc import Dvc
from pipelines.data_versions.errors import DataVersionError
from pipelines.data_versions.options import PinOptions, RestoreOptions, VersionOptions
from pipelines.data_versions.pinned_files import digest_of
from pipelines.data_versions.pinning import GONE, PINNED, PinOutcome, pin_sources
from pipelines.data_versions.recorded_sources import TrainedSource, list_read_sources, list_trained_sources
from pipelines.data_versions.restoring import restore_sources
from pipelines.runs import Run, RunError, Runs
from pipelines.runs.data_source import DataSource
from serving.file_lock import FileLockedError, exclusive

_DONE, _FAILED, _BUSY = 0, 1, 2
_ERRORS = (DataVersionError, RunError, SourceError, OSError)


def pin(options: PinOptions) -> int:
    """Pin the data that a run was trained on, or all data of the task, and push it.

    Returns:
        Exit status. 0: all data is pinned and pushed; without a run, data that has changed since does not count.
        1: some data is not pinned. 2: another pin or restore uses the folder.
    """
    return _tell_errors(lambda: _pin(options))


def restore(options: RestoreOptions) -> int:
    """Restore the data that a run was trained on.

    Returns:
        Exit status. 0: done. 1: the data cannot be restored, and no files are left. 2: another pin or restore uses the
        folder.
    """
    return _tell_errors(lambda: _restore(options))


def _tell_errors(work: Callable[[], int]) -> int:
    """Return the exit status of `work`; print the error if it fails."""
    try:
        return work()
    except FileLockedError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BUSY
    except _ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED


def _pin(options: PinOptions) -> int:
    run = Runs(options.var).open(options.run, options.name) if options.run else None
    sources = _choose(list_read_sources(options.var / "metadata.sqlite", options.name), run)
    dvc = Dvc(options.versions, options.dvc)
    dvc.require_remote(options.remote)
    with _locked(options):
        dvc.prepare(options.remote)
        outcomes = pin_sources(dvc, options.name, sources)
    for outcome in outcomes:
        print(_describe(outcome))
    lacking = _lacking(run, outcomes) if run else []
    for source in lacking:
        print(f"error: {source.span or 'the data'} of run {options.run} cannot be pinned", file=sys.stderr)
    new = sum(outcome.state == PINNED for outcome in outcomes)
    print(f"{new} new in {options.versions}, all pushed" + ("; commit the .dvc files" if new else ""))
    return _FAILED if lacking else _DONE


def _restore(options: RestoreOptions) -> int:
    run = Runs(options.var).open(options.run, options.name)
    sources = list_trained_sources(run)
    dvc = Dvc(options.versions, options.dvc)
    if not dvc.exists:
        raise DataVersionError(
            f"{options.versions}: expected the folder that `make data-pin` made and you committed, received none; "
            "name it with --versions"
        )
    out = options.out or options.var / "data" / "restored" / run.id
    with _locked(options):
        out.parent.mkdir(parents=True, exist_ok=True)
        restored = restore_sources(dvc, options.name, sources, out)
    for source, path in zip(sources, restored, strict=True):
        print(f"restored  {path}  {digest_of(source.fingerprint)[:16]}")
    print(_next_step(options, sources, restored))
    return _DONE


def _choose(sources: Sequence[DataSource], run: Run | None) -> list[DataSource]:
    """Return the sources that the run was trained on, or all sources without a run."""
    if run is None:
        return list(sources)
    wanted = {source.fingerprint for source in list_trained_sources(run)}
    return [source for source in sources if source.fingerprint in wanted]


def _lacking(run: Run, outcomes: Sequence[PinOutcome]) -> list[TrainedSource]:
    pinned = {outcome.fingerprint for outcome in outcomes if outcome.state != GONE}
    return [source for source in list_trained_sources(run) if source.fingerprint not in pinned]


def _describe(outcome: PinOutcome) -> str:
    why = ": its files are gone or have changed" if outcome.state == GONE else ""
    return f"{outcome.state:<18} {outcome.source}  {digest_of(outcome.fingerprint)[:16]}{why}"


def _next_step(options: RestoreOptions, sources: Sequence[TrainedSource], restored: Sequence[Path]) -> str:
    """Return the commands that train on the restored data."""
    common = f"--task {options.task} --var {options.var}"
    if sources[0].span is None:
        return f"python -m pipelines run {common} --data {restored[0]}"
    spans = sources[0].span if len(sources) == 1 else f"{sources[0].span}..{sources[-1].span}"
    ingest = f"python -m pipelines ingest {common} --from {restored[0].parent}"
    return f"{ingest}\npython -m pipelines run {common} --spans {spans}"


@contextlib.contextmanager
def _locked(options: VersionOptions) -> Iterator[None]:
    options.versions.mkdir(parents=True, exist_ok=True)
    with exclusive(options.versions / ".lock", "another data-pin or data-restore"):
        yield
