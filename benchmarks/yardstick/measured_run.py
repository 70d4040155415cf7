"""Print how the newest run's model compares with its yardsticks, as one line of JSON.

    python -m benchmarks.yardstick.measured_run --var var --task taxi

It starts in the project that has the task, after a run, in a separate process, because a run's model is loaded by its
own code.
"""

import argparse
import json
import sys
from pathlib import Path

from pipelines.report.predictions import predict_eval_rows
from pipelines.report.yardsticks import compare_yardsticks
from pipelines.runs import Runs
from pipelines.yardstick.comparison import find_best


def main() -> int:
    """Compare, and print; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--var", type=Path, required=True, metavar="DIR")
    parser.add_argument("--task", required=True)
    options = parser.parse_args()
    run = Runs(options.var).open(task=options.task)
    found = compare_yardsticks(run, predict_eval_rows(run), options.var / "cache")
    best = find_best(found.compared)
    record = {
        "task": options.task,
        "status": run.status,
        "rows": found.all_rows,
        "best": best,
        "measures": [
            {
                "name": one.measure.label,
                "ours": vars(one.ours),
                "best": vars(one.value),
                "difference": vars(one.difference),
                "word": one.word,
            }
            for one in found.compared[best]
        ],
    }
    print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
