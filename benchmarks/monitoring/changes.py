"""Define twenty planted changes: errors in the served rows, or changes of the population that they come from."""

from collections.abc import Callable

import numpy as np

from benchmarks.monitoring.trips import WORDS, Trips, take
from components.traffic_monitor.window import PREDICTION

Change = Callable[[Trips, np.random.Generator], Trips]


def _some(trips: Trips, share: float, draw: np.random.Generator) -> np.ndarray:
    return draw.random(len(trips["fare"])) < share


def _set(column: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return lambda trips, draw: trips | {column: change(trips[column])}


def _set_text(column: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    return _set(column, lambda numbers: WORDS.encode(change(WORDS.decode(numbers))))


def _number(text: str) -> int:
    return int(WORDS.encode(np.array([text]))[0])


def _more_card(trips: Trips, draw: np.random.Generator) -> Trips:
    moved = _some(trips, 0.15, draw) & (trips["payment_type"] == _number("Cash"))
    return trips | {"payment_type": np.where(moved, _number("Credit Card"), trips["payment_type"])}


def _goes_missing(trips: Trips, draw: np.random.Generator) -> Trips:
    gone = _some(trips, 0.05, draw)
    return trips | {name: np.where(gone, np.nan, trips[name]) for name in ("dropoff_latitude", "dropoff_longitude")}


def _clock_off(trips: Trips, draw: np.random.Generator) -> Trips:
    hour = trips["trip_start_hour"] + 1
    day = trips["trip_start_day"] + (hour == 24)
    return trips | {
        "trip_start_timestamp": trips["trip_start_timestamp"] + 3600,
        "trip_start_hour": hour % 24,
        "trip_start_day": np.where(day == 8, 1, day),
    }


def _new_company(trips: Trips, draw: np.random.Generator) -> Trips:
    moved = _some(trips, 0.02, draw) & (trips["company"] != 0)
    return trips | {"company": np.where(moved, _number("A new company"), trips["company"])}


def _label_shift(trips: Trips, draw: np.random.Generator) -> Trips:
    big = trips["tips"] > 0.2 * trips["fare"]
    return take(trips, np.flatnonzero(big | _some(trips, 1 / 1.6, draw)))


def _prediction_shift(trips: Trips, draw: np.random.Generator) -> Trips:
    clipped = np.clip(trips[PREDICTION], 1e-4, 1 - 1e-4)
    return trips | {PREDICTION: (1 / (1 + (1 / clipped - 1) * np.exp(-0.3))).round(4)}


def _swapped(trips: Trips, draw: np.random.Generator) -> Trips:
    both = "pickup_latitude", "dropoff_latitude"
    return trips | {both[0]: trips[both[1]], both[1]: trips[both[0]]}


def _repeated(trips: Trips, draw: np.random.Generator) -> Trips:
    rows = np.arange(len(trips["fare"]))
    again = _some(trips, 0.02, draw)
    return take(trips, np.where(again, np.roll(rows, 1), rows))


def _company_filled(trips: Trips, draw: np.random.Generator) -> Trips:
    filled = (trips["company"] == 0) & _some(trips, 0.3, draw)
    return trips | {"company": np.where(filled, _number("Taxi Affiliation Services"), trips["company"])}


def _mix_of_areas(trips: Trips, draw: np.random.Generator) -> Trips:
    dropped = (trips["pickup_community_area"] == 8) & _some(trips, 0.5, draw)
    return take(trips, np.flatnonzero(~dropped))


def _free_rides(trips: Trips, draw: np.random.Generator) -> Trips:
    return trips | {"fare": np.where(_some(trips, 0.03, draw), 0.0, trips["fare"])}


CHANGES: dict[str, Change] = {
    "15% of cash trips are called credit card": _more_card,
    "miles sent as kilometres": _set("trip_miles", lambda values: (values * 1.609344).astype(np.float32)),
    "drop-off coordinates missing in 5% more": _goes_missing,
    "the clock is an hour ahead": _clock_off,
    "fares rise by 10%": _set("fare", lambda values: (values * 1.1).round(2)),
    "a new company in 2% of trips": _new_company,
    "big tips 1.6 times as likely": _label_shift,
    "predictions shifted by 0.3 in log-odds": _prediction_shift,
    "pick-up and drop-off latitude swapped": _swapped,
    "fares rounded to whole dollars": _set("fare", np.round),
    "2% of rows sent twice": _repeated,
    "company cut to 15 letters": _set_text("company", lambda values: values.astype("U15")),
    "weekday is always Monday": _set("trip_start_day", lambda values: np.full_like(values, 2)),
    "seconds sent as minutes": _set("trip_seconds", lambda values: np.floor(values / 60)),
    "pick-up coordinates with 3 decimals": _set("pickup_latitude", lambda values: values.round(3)),
    "payment type in capital letters": _set_text("payment_type", np.char.upper),
    "30% of missing companies filled with the largest": _company_filled,
    "half as many trips from the centre": _mix_of_areas,
    "3% of fares are 0": _free_rides,
    "trips longer than 10 miles cut to 10": _set("trip_miles", lambda values: np.minimum(values, 10)),
}
