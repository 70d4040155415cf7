"""Run the command `replay`: lock its folder, play, write the page, return the exit status. Imports no TFX itself."""

import logging
import os
import shutil
import sys
import traceback
import warnings
from pathlib import Path

from pipelines.replay.errors import ReplayError
from pipelines.replay.options import ReplayOptions
from serving.file_lock import FileLockedError, exclusive
from serving.process_control import gc_paused_imports, hold_stderr, remember_interrupts

_MARK = ".replay"  # file that marks a folder of replays, and is its lock
_DONE, _FAILED, _BUSY, _INTERRUPTED = 0, 1, 2, 130


def run(options: ReplayOptions) -> int:
    """Play all spans, and write the record and the page.

    Returns:
        Exit status. 0: played to the end. 1: something failed. 2: another replay uses the folder. 130: interrupted.
    """
    try:
        _require_own_folder(options.var)
        with remember_interrupts(), exclusive(options.var / _MARK, str(os.getpid())):
            _empty(options.var)
            return _run(options)
    except ReplayError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except FileLockedError as error:
        print(f"error: another replay (process {error.holder or 'unknown'}) uses {options.var}", file=sys.stderr)
        return _BUSY
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


def _run(options: ReplayOptions) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hide TensorFlow's messages about the machine
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # TFMA calls a deprecated function of TensorFlow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of Google's libraries about each other
        with hold_stderr(), gc_paused_imports():
            from pipelines.explain import explain
            from pipelines.replay.page import PAGE_FILE, write_page
            from pipelines.replay.play import LOG_FILE, play
            from pipelines.replay.record import SUMMARY_FILE, ReplayRecord

        def keep(record: ReplayRecord) -> None:
            record.write(options.var)
            write_page(record, options.var)

        try:
            play(options, lambda line: print(line, flush=True), keep)
        except Exception as error:  # Any error is printed; its traceback goes to the log.
            log = options.var / LOG_FILE
            with log.open("a", encoding="utf-8") as file:
                traceback.print_exc(file=file)
            raise ReplayError(f"{explain(error)}\nlog: {log}") from error
        print(f"record  {options.var / SUMMARY_FILE}")
        print(f"page    {options.var / PAGE_FILE}")
    return _DONE


def _require_own_folder(folder: Path) -> None:
    """Create the folder of the replay.

    Raises:
        ReplayError: The folder holds files that no replay wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / _MARK).exists():
        raise ReplayError(
            f"{folder}: expected an empty folder, or one of an earlier replay, which is removed; received one with "
            "something else in it. Name another with --var"
        )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == _MARK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
