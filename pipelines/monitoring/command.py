"""Run the command `monitor`: lock the folder, write log and record, and return the exit status.

The module loads without TFX, so that usage errors and a busy folder are reported at once.
"""

import datetime
import sys
import time
import traceback
from pathlib import Path

from rich.console import Console

from components.traffic_monitor.verdicts import ALARM
from pipelines.explain import explain
from pipelines.monitoring.options import MonitorOptions
from pipelines.monitoring.record import MonitoringRecord
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runner.run_folder import link_latest, make_run_directory, use_temporary_folder
from pipelines.runner.run_log import redirect_output
from serving.process_control import gc_paused_imports, remember_interrupts

_DONE, _ALARMED, _FAILED, _BUSY, _INTERRUPTED = 0, 1, 1, 2, 130


def run(options: MonitorOptions) -> int:
    """Judge one window.

    Args:
        options: of the command line.

    Returns:
        The exit status. 0: no alarm. 1: an alarm, or something failed. 2: another run is using `var`. 130: interrupted.
    """
    try:
        with remember_interrupts(), lock_folder(options.var), use_temporary_folder(options.var / "tmp"):
            directory = make_run_directory(options.var / "monitoring" / options.task.rpartition(".")[2])
            console = Console(file=redirect_output(directory / "run.log"), highlight=False)
            return _run(options, directory, console)
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BUSY


def _run(options: MonitorOptions, directory: Path, console: Console) -> int:
    begin = time.monotonic()
    log = options.log or options.var / "requests" / options.task.rpartition(".")[2]
    record = MonitoringRecord(
        run_id=directory.name,
        task=options.task,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        log=str(log),
        window=options.time_window(),
    )
    console.print(f"[bold]{options.task}[/]  monitoring {directory.name}", soft_wrap=True)
    try:
        with gc_paused_imports():
            from pipelines.monitoring import leave, monitoring_run
        monitoring_run.run_monitoring(options, console, record)
        record.seconds = time.monotonic() - begin
        leave.write_all(record, options, directory)
    except KeyboardInterrupt:
        console.print("interrupted")
        return _INTERRUPTED
    except Exception as error:  # any error: record and terminal get the message, the log gets the traceback
        traceback.print_exc()
        record.error = explain(error)
        record.report = {}
        record.seconds = time.monotonic() - begin
        record.write(directory)
        console.print(f"error: {record.error}", style="bold red", markup=False, soft_wrap=True)
        console.print(f"log: {directory / 'run.log'}", soft_wrap=True)
        return _FAILED
    link_latest(directory)
    leave.tell(record, console, directory)
    return _ALARMED if record.verdict == ALARM else _DONE
