"""Every feature of the taxi model, one record each: the only home of their names, sizes, vocabularies and defaults.

Transform computes what the records say (preprocessing.py) and the model takes its inputs from them (model.py), so a
feature is added, changed or dropped here and nowhere else.

Left out, because they did not help: the census tracts (pickup_census_tract is missing in all rows but one, and the
drop-off coordinates are the centre of dropoff_census_tract), and the year (a served model meets years without rows).
"""

import dataclasses

LABEL = "big_tip"  # int64 [batch, 1]; 1: the tip is more than a fifth of the fare
TIPS = "tips"  # dollars; raw column, known only after the trip: feeds the label and nothing else
FARE = "fare"  # dollars; raw column that the tip is compared with
FARE_PER_BIG_TIP = 5  # the fare is less than five times the tip: more than 20%, as a whole number


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaled:
    """A number as z-score, float32. Missing is 0: the mean over the rows that have it."""

    name: str  # of the transformed feature
    source: str  # raw column
    square_root: bool = False  # take the root first: fares, distances and durations have a long tail


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bucketised:
    """A number as quantile bucket, int64: 0 to buckets - 1, then one id for missing."""

    name: str
    source: str
    buckets: int  # features with the same number of buckets share one pass over the data

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self.buckets + 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered:
    """A category that comes as a number, int64: 0 to last - first, then one id for unseen numbers, one for missing."""

    name: str
    source: str
    first: int  # smallest number
    last: int  # largest number

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self.last - self.first + 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A string as id, int64: 0 for missing, the training rows' vocabulary from 1 on, then the ids for the unseen."""

    name: str  # also names the vocabulary file
    source: str
    min_count: int  # rows; what is rarer counts as unseen, so that the model has rows to learn that id from
    oov_buckets: int = 1  # ids for the unseen

    def size(self, known: int) -> int:
        """How many ids there are, with so many strings in the vocabulary."""
        return 1 + known + self.oov_buckets


@dataclasses.dataclass(frozen=True, kw_only=True)
class DayOfYear:
    """The season, int64: stretches of days counted from 1 March, so that a leap day moves nothing."""

    name: str
    source: str  # seconds since 1970
    days: int  # length of a stretch

    @property
    def size(self) -> int:
        """How many ids there are."""
        return -(-366 // self.days)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crossed:
    """Two categories as one, int64: an id for each pair."""

    name: str
    left: Bucketised | Numbered
    right: Bucketised | Numbered

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self.left.size * self.right.size


Category = Bucketised | Numbered | Vocabulary | DayOfYear | Crossed
Feature = Scaled | Category

_HOUR = Numbered(name="hour", source="trip_start_hour", first=0, last=23)
_WEEKDAY = Numbered(name="weekday", source="trip_start_day", first=1, last=7)  # 1 is Sunday
_PICKUP_NORTH = Bucketised(name="pickup_latitude_bucket", source="pickup_latitude", buckets=20)
_PICKUP_EAST = Bucketised(name="pickup_longitude_bucket", source="pickup_longitude", buckets=20)
_DROPOFF_NORTH = Bucketised(name="dropoff_latitude_bucket", source="dropoff_latitude", buckets=20)
_DROPOFF_EAST = Bucketised(name="dropoff_longitude_bucket", source="dropoff_longitude", buckets=20)

FEATURES: tuple[Feature, ...] = (
    # How it was paid: tips of cash rides are not recorded, so this decides most rows. The terminal's presets differ
    # between companies.
    Vocabulary(name="payment_type_id", source="payment_type", min_count=5),
    Vocabulary(name="company_id", source="company", min_count=10),
    # What it cost: terminals offer dollar amounts for small fares and percentages for larger ones, hence the buckets.
    Scaled(name="fare_scaled", source=FARE, square_root=True),
    Bucketised(name="fare_bucket", source=FARE, buckets=20),
    Scaled(name="miles_scaled", source="trip_miles", square_root=True),
    Bucketised(name="miles_bucket", source="trip_miles", buckets=20),
    Scaled(name="seconds_scaled", source="trip_seconds", square_root=True),
    Bucketised(name="seconds_bucket", source="trip_seconds", buckets=20),
    # When it began.
    _HOUR,
    _WEEKDAY,
    Crossed(name="hour_of_week", left=_WEEKDAY, right=_HOUR),
    Numbered(name="month", source="trip_start_month", first=1, last=12),
    DayOfYear(name="season_week", source="trip_start_timestamp", days=7),
    # Where it went.
    Numbered(name="pickup_area", source="pickup_community_area", first=1, last=77),
    Numbered(name="dropoff_area", source="dropoff_community_area", first=1, last=77),
    Scaled(name="pickup_latitude_scaled", source="pickup_latitude"),
    Scaled(name="pickup_longitude_scaled", source="pickup_longitude"),
    Scaled(name="dropoff_latitude_scaled", source="dropoff_latitude"),
    Scaled(name="dropoff_longitude_scaled", source="dropoff_longitude"),
    _PICKUP_NORTH,
    _PICKUP_EAST,
    Crossed(name="pickup_cell", left=_PICKUP_NORTH, right=_PICKUP_EAST),
    _DROPOFF_NORTH,
    _DROPOFF_EAST,
    Crossed(name="dropoff_cell", left=_DROPOFF_NORTH, right=_DROPOFF_EAST),
)
