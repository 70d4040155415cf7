"""The kind of prediction, which determines the form of labels and predictions, and the metrics.

| problem | label | prediction |
|---|---|---|
| binary | int64 [batch, 1], 0 or 1 | float32 [batch, 1], the probability of 1 |
| multiclass | int64 [batch, 1], 0 to classes - 1 | float32 [batch, classes], probabilities that add up to 1 |
| regression | float32 [batch, 1] | float32 [batch, 1], in the label's unit |
"""

from typing import Literal, get_args

Problem = Literal["binary", "multiclass", "regression"]
PROBLEMS = BINARY, MULTICLASS, REGRESSION = get_args(Problem)
