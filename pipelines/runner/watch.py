"""Run the pipeline again whenever a file is saved, from a process that has the libraries loaded.

Each run is a fork of this process, and imports this project's code again, with the edits.
"""

import contextlib
import functools
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rich.console import Console

from pipelines.options import RunOptions
from pipelines.runner.node_process import Fork, NodeProcessError, has_computed
from pipelines.runs import RunError, Runs, tables
from pipelines.runs.difference import compare_runs
from pipelines.task_definition.lookup import task_module
from serving.process_control import gc_paused_imports

_ROOT = Path(__file__).resolve().parents[2]
# Libraries that runs import. None of them computes with TensorFlow on import, after which no fork would be possible.
_LIBRARIES = (
    "altair",
    "keras",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tfx.components.evaluator.executor",
    "tfx.components.example_gen.base_example_gen_executor",
    "tfx.components.example_validator.executor",
    "tfx.components.infra_validator.component",
    "tfx.components.pusher.executor",
    "tfx.components.schema_gen.executor",
    "tfx.components.statistics_gen.executor",
    "tfx.components.trainer.executor",
    "tfx.components.transform.executor",
    "tfx.components.tuner.component",
    "tfx.orchestration.local.runner_utils",
    "tfx.orchestration.portable.launcher",
)
_CODE = ("components", "data", "pipelines", "serving")  # folders of the project
_ENDINGS = frozenset({".py", ".toml", ".pbtxt"})
_SECONDS = 0.5  # between two checks of the files
_SLICES = 5  # that are shown: those whose metrics changed most
_CANNOT_FORK, _INTERRUPTED = 1, 130  # exit statuses
_GRACE = 60.0  # seconds for a run to end its own forks, to clean up and to write its record

Files = Mapping[Path, tuple[int, int]]  # -> time of modification, nanoseconds; size, bytes


def watch(options: RunOptions) -> int:
    """Run the pipeline, and again whenever the code, the task's files or the data were saved, until Ctrl-C.

    Args:
        options: the options of each run.

    Returns:
        The exit status. 130: ended by Ctrl-C. 1: this process cannot be forked.
    """
    with contextlib.suppress(KeyboardInterrupt):
        with gc_paused_imports():
            for name in _LIBRARIES:
                importlib.import_module(name)
        task = Path(*task_module(options.task).split(".")[:-1])
        code = [_ROOT / name for name in (*_CODE, task)]
        if has_computed():
            print(
                f"error: cannot watch: {task}/__init__.py, one above it, or a library computes with TensorFlow when it "
                "is imported, and such a process cannot be forked; move what makes tensors or layers into functions",
                file=sys.stderr,
            )
            return _CANNOT_FORK
        run_when_saved(lambda: look(code, options.data), functools.partial(_run_in_fork, options))
    return _INTERRUPTED


def run_when_saved(look_at_files: Callable[[], Files], run: Callable[[], None]) -> None:
    """Call `run` at once, and again whenever the files differ from when the last run began; never return."""
    while True:
        before = look_at_files()
        run()
        print("waiting for a saved file; Ctrl-C ends", flush=True)
        while (now := look_at_files()) == before:
            time.sleep(_SECONDS)
        while (later := look_at_files()) != now:  # An editor, or git, may still be writing.
            now = later
            time.sleep(_SECONDS)
        saved = sorted(path.name for path in {*before, *now} if before.get(path) != now.get(path))
        print(f"\nsaved: {', '.join(saved)}", flush=True)


def look(code: Iterable[Path], data: Path | None) -> Files:
    """Return time and size of the code, settings and contracts in folders, and of the data: a file, or a folder."""
    paths = [path for folder in code for path in folder.rglob("*") if path.suffix in _ENDINGS]
    if data is not None:
        paths += data.rglob("*") if data.is_dir() else [data]
    found = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # An editor may be replacing the file by another one.
            status = path.stat()
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def forget_modules(root: Path) -> None:
    """Make this process import the modules below `root` again, except installed ones and `__main__`."""
    for name, module in list(sys.modules.items()):
        path = Path(_file_of(module) or "/")
        if name != "__main__" and path.is_relative_to(root) and "site-packages" not in path.parts:
            del sys.modules[name]
    importlib.invalidate_caches()


def _file_of(module: object) -> str | None:
    """Return a module's `__file__` without calling its `__getattr__`, with which a lazy module loads its library."""
    try:
        return object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:  # sys.modules may hold any object.
        return None


def _run_in_fork(options: RunOptions) -> None:
    fork = Fork(functools.partial(_run_edited, options))
    fork.start()
    try:
        fork.result()
        show_change(options.var, Console(highlight=False))
    except (NodeProcessError, RunError) as error:  # No import or no record: the next save may repair it.
        print(f"error: {error}", file=sys.stderr)
    finally:
        fork.kill(_GRACE)


def _run_edited(options: RunOptions) -> int:
    """Run in the fork, with the code that is on the disk."""
    forget_modules(_ROOT)
    # Python takes compiled code as current if the file's second and size agree: it would miss the second of two saves.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    status: int = importlib.import_module("pipelines.runner.command").run(options)
    return status


def show_change(var: Path, console: Console) -> None:
    """Print how the metrics of the newest run differ from those of the run before it that has metrics."""
    runs = Runs(var)
    after = runs.open()
    earlier = [run for run in runs.list(after.task) if run.summary["metrics"] and run.id != after.id]
    if earlier and after.summary["metrics"]:
        tables.show_metrics(console, compare_runs(earlier[-1], after).metrics, _SLICES)
