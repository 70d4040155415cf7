"""Make served rows of the taxi trips: raw columns, and predictions of a model that was not trained on the row."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from components.traffic_monitor.samples import Column, Sample
from components.traffic_monitor.window import PREDICTION

TEXT = ("payment_type", "company")
CODES = ("pickup_community_area", "dropoff_community_area", "pickup_census_tract", "dropoff_census_tract")
NUMBERS = (
    "trip_start_timestamp", "trip_start_hour", "trip_start_day", "trip_start_month", "fare", "trip_miles",
    "trip_seconds", "pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude",
)  # fmt: skip
MOVING = ("trip_start_timestamp", "trip_start_month")  # a window of a week is no sample of these columns
Trips = dict[str, np.ndarray]  # column -> [rows]; texts as their numbers in WORDS; NaN or 0 where a value is missing


class Words:
    """Texts as numbers, which sort faster; 0 is the empty text."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def encode(self, texts: np.ndarray) -> np.ndarray:
        """Return the number of each text, [rows] int."""
        different, places = np.unique(texts, return_inverse=True)
        return np.array([self._numbers.setdefault(str(one), len(self._numbers)) for one in different])[places]

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """Return the text of each number, [rows] str."""
        return np.array(list(self._numbers))[numbers]


WORDS = Words()


def read_trips(file: Path) -> Trips:
    """Read the trips and add PREDICTION, float [rows]: by 5 models, each for the fifth that it did not train on."""
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    trips: Trips = {name: WORDS.encode(np.array([row[name] for row in rows])) for name in TEXT}
    for name in (*NUMBERS, *CODES, "tips"):
        trips[name] = np.array([float(row[name]) if row[name] else np.nan for row in rows])
    features = np.column_stack([trips[name] for name in (*NUMBERS[1:], *CODES, *TEXT)])
    model = HistGradientBoostingClassifier(random_state=0, max_iter=60)
    label = trips["tips"] > 0.2 * trips["fare"]
    trips[PREDICTION] = cross_val_predict(model, features, label, cv=5, method="predict_proba")[:, 1].round(4)
    return trips


def take(trips: Mapping[str, np.ndarray], rows: np.ndarray) -> Trips:
    """Return the trips at some positions."""
    return {name: values[rows] for name, values in trips.items()}


def features(trips: Mapping[str, np.ndarray], name: str) -> Sample:
    """Return the columns that a model receives."""
    columns = [Column(name=each, ordered=True, values=trips[each], present=~np.isnan(trips[each])) for each in NUMBERS]
    columns += [Column(name=each, ordered=False, values=trips[each], present=~np.isnan(trips[each])) for each in CODES]
    columns += [Column(name=each, ordered=False, values=trips[each], present=trips[each] != 0) for each in TEXT]
    rows = len(trips["fare"])
    return Sample(name=name, rows=rows, columns={each.name: each for each in columns})


def predictions(trips: Mapping[str, np.ndarray], name: str) -> Sample:
    """Return the model's predictions."""
    values = trips[PREDICTION]
    column = Column(name=PREDICTION, ordered=True, values=values, present=np.ones(len(values), bool))
    return Sample(name=name, rows=len(values), columns={PREDICTION: column})
