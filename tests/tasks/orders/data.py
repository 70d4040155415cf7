"""Orders by the month, made up: heavy ones and those of the app come back more often; every ninth has no weight."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 500  # in a span
_CHANNELS = ("app", "shop", "web")
Change = Callable[[pd.DataFrame], pd.DataFrame]


def make_span(number: int, change: Change = lambda rows: rows) -> pd.DataFrame:
    """Makes the rows of a span: amount in euros, weight in kilograms.

    Args:
        number: of the span; another one has other rows.
        change: what is planted in it; what becomes of an order stays.
    """
    draw = np.random.default_rng([20260101, number])
    amount, weight = draw.gamma(3, 20, ROWS).round(2), draw.gamma(4, 1.5, ROWS).round(2)
    channel = draw.choice(_CHANNELS, ROWS, p=(0.3, 0.3, 0.4))
    odds = np.exp(0.9 * (weight - 6) + 1.5 * (channel == "app") - 0.5)
    rows = pd.DataFrame({"amount": amount, "weight": weight, "channel": channel})
    rows["returned"] = (draw.random(ROWS) < odds / (1 + odds)).astype(int)
    rows.loc[rows.index % 9 == 0, "weight"] = np.nan
    return change(rows)


def prepare(directory: Path) -> Path:
    """Writes the first span as `orders.csv`; returns the folder."""
    directory.mkdir(parents=True, exist_ok=True)
    make_span(1).to_csv(directory / "orders.csv", index=False)
    return directory
