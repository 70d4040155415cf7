"""Records that a person reviewed a task's code as a run trained it.

    python -m pipelines.review --task taxi --note "Looked at the report; the slices by company are thin, but even."

Before: look at the run (its report, its metrics per slice) and at the code in the task's folder. The review holds for
exactly the files that the run was trained from; any edit of them makes it stale. It goes into review.toml in the task's
folder, for version control. docs/review.md.

Exit status: 0 recorded; 1 refused: there is no such run, a gate refused its model, or the code has changed since; 2 bad
usage.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

from pipelines.task_definition.lookup import TaskError, task_module
from serving.process_control import exit_now, gc_paused_imports, hold_stderr

_DONE, _REFUSED = 0, 1


def main(arguments: list[str] | None = None) -> int:
    """Records the review and says so; returns the exit status."""
    options = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own notes on the machine
    # Imported here: bad usage need not wait for TensorFlow, which a task imports.
    with warnings.catch_warnings(), hold_stderr():
        warnings.simplefilter("ignore", FutureWarning)  # what Google's libraries say of each other
        with gc_paused_imports():
            from pipelines.review import reviewing
            from pipelines.review.review_file import ReviewError, append_review, review_file
            from pipelines.runs import RunError, Runs
            from pipelines.task_definition.task import load_task

        refusal = None
        try:
            task = load_task(options.task)
            run = Runs(options.var).open(options.run, task.name)
            review = reviewing.make_review(task, run, options.reviewer or reviewing.git_user(), options.note)
            append_review(review_file(task), review)
        except (OSError, ReviewError, RunError, TaskError) as error:
            refusal = str(error)
    if refusal is not None:
        print(f"not recorded: {refusal}", file=sys.stderr)
        return _REFUSED
    metrics = "  ".join(f"{name}={value:.4g}" for name, value in review.metrics.items())
    print(f"reviewed  run {review.run} of {task.name}, by {review.reviewer}")
    print(f"metrics   {metrics}")
    print(f"files     {len(review.task_files)}, as that run trained them: {', '.join(review.task_files)}")
    print(f"recorded  {_shown(review_file(task))}; commit it")
    return _DONE


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="taxi", help="a folder below pipelines/ (default: taxi), or a dotted package")
    parser.add_argument("--var", type=Path, default=Path("var"), help="where the runs wrote (default: var)")
    parser.add_argument("--run", default="latest", metavar="ID", help="which run (default: the task's newest)")
    parser.add_argument("--reviewer", type=_text, metavar="NAME", help="who reviewed (default: git's user.name)")
    parser.add_argument("--note", type=_text, metavar="TEXT", help="what you looked at, and what you think of it")
    options = parser.parse_args(arguments)
    if options.note is None:
        parser.error("say what you looked at, and what you think of it, with --note TEXT (make review NOTE='...')")
    try:
        task_module(options.task)
    except TaskError as error:
        parser.error(str(error))
    return options


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected words, received none")
    return text.strip()


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    exit_now(main())
