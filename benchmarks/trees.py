"""Compare the taxi model with gradient-boosted trees, on the rows that a run trained and scored on.

    python -m benchmarks.trees --run var/runs/latest

The trees are scikit-learn's HistGradientBoostingClassifier with its defaults, on the raw columns without tips: five
lines without a pipeline. It reads the run's Examples, prints ROC AUC, PR AUC and log loss of both on the eval split,
and writes them to `<out>/trees.json`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from benchmarks.examples import examples_folder, read_rows
from pipelines.tasks.taxi.features import FARE, FARE_PER_BIG_TIP, TIPS

SEEDS = (0, 1, 2)  # of the trees, which hold out random rows to decide when to stop
MEASURES = {
    "auc": "ROC AUC",
    "auc_precision_recall": "PR AUC",
    "binary_crossentropy": "log loss",
}  # as summary.json has it


def main() -> int:
    """Run the comparison; return 0, or 1 with a message if the run left nothing to compare with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("var/runs/latest"), metavar="DIR", help="folder of the run")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), metavar="DIR", help="folder for trees.json")
    options = parser.parse_args()
    try:
        summary = json.loads((options.run / "summary.json").read_text())
        examples, model = examples_folder(summary), model_measures(summary)
    except (OSError, LookupError) as error:
        print(
            f"benchmarks.trees: no finished run in {options.run}: {error}. Run `make run-local` first.", file=sys.stderr
        )
        return 1
    train, evaluation = (read_split(examples, split) for split in ("train", "eval"))
    trees = [trees_measures(train, evaluation, seed) for seed in SEEDS]
    _print(model, trees)
    options.out.mkdir(parents=True, exist_ok=True)
    record = {"run": summary["run_id"], "rows": {"train": len(train), "eval": len(evaluation)}}
    record |= {"model": model, "trees": [{"seed": s, **found} for s, found in zip(SEEDS, trees, strict=True)]}
    (options.out / "trees.json").write_text(json.dumps(record, indent=2) + "\n")
    return 0


def model_measures(summary: dict[str, Any]) -> dict[str, float]:
    """Return the model's measures over all eval rows, from the Evaluator."""
    overall = summary["metrics"].get("overall", {})
    if lacking := sorted(MEASURES.keys() - overall.keys()):
        raise LookupError(f"summary.json has no overall {', '.join(lacking)}")
    return {name: overall[name] for name in MEASURES}


def read_split(examples: Path, split: str) -> pd.DataFrame:
    """Return one row per tf.Example, one column per feature; NaN where a row has no value."""
    return pd.DataFrame(read_rows(examples, split))


def trees_measures(train: pd.DataFrame, evaluation: pd.DataFrame, seed: int) -> dict[str, float]:
    """Train the trees on one split and measure them on the other."""
    both = pd.concat([train, evaluation]).drop(columns=TIPS)
    for name in both.select_dtypes(object):
        both[name] = both[name].astype("category")
    columns = both.columns[both.notna().any()]
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    trees.fit(both[columns][: len(train)], labels(train))
    probabilities = trees.predict_proba(both[columns][len(train) :])[:, 1]
    expected = labels(evaluation)
    return {
        "auc": float(roc_auc_score(expected, probabilities)),
        "auc_precision_recall": float(average_precision_score(expected, probabilities)),
        "binary_crossentropy": float(log_loss(expected, probabilities)),
    }


def labels(rows: pd.DataFrame) -> np.ndarray:
    """Return 1 where the tip is more than a fifth of the fare, in cents as in Transform; int64 [rows]."""
    tip_cents, fare_cents = ((rows[column] * 100).round() for column in (TIPS, FARE))
    return (FARE_PER_BIG_TIP * tip_cents > fare_cents).to_numpy(np.int64)


def _print(model: dict[str, float], trees: list[dict[str, float]]) -> None:
    table = Table("eval split", "model", *(f"trees, seed {seed}" for seed in SEEDS))
    for name, words in MEASURES.items():
        table.add_row(words, *(f"{found[name]:.4f}" for found in (model, *trees)))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
