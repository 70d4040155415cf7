"""Define every feature of the taxi model with a record: its name, source, size, vocabulary and default.

Transform computes what the records describe (preprocessing.py), and the model makes its inputs from them (model.py), so
a feature is added, changed or removed only here. The kinds of records are in kinds/.

Left out, because they did not help: the census tracts (pickup_census_tract is missing in all rows except one, and the
drop-off coordinates are the centre of dropoff_census_tract), and the year (a served model meets years without rows).
"""

from pipelines.tasks.taxi.kinds.bucketised import Bucketised
from pipelines.tasks.taxi.kinds.crossed import Crossed
from pipelines.tasks.taxi.kinds.day_of_year import DayOfYear
from pipelines.tasks.taxi.kinds.kind import Feature
from pipelines.tasks.taxi.kinds.numbered import Numbered
from pipelines.tasks.taxi.kinds.scaled import Scaled
from pipelines.tasks.taxi.kinds.vocabulary import Vocabulary

LABEL = "big_tip"  # int64 [batch, 1]; 1: the tip is more than a fifth of the fare
TIPS = "tips"  # dollars; raw column, known only after the trip, so only the label may use it
FARE = "fare"  # dollars; raw column that the tip is compared with
FARE_PER_BIG_TIP = 5  # the fare is less than five times the tip: more than 20%, as a whole number

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
