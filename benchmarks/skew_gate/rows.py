"""Make up trips with numbers as in taxi data: amounts in quarters, minutes as seconds, epochs, coordinates."""

import numpy as np
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

Row = dict[str, float | int | str | None]  # None: missing

ROWS = 5_000
_REQUIRED = "presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }"
CONTRACT = text_format.Parse(
    f"""
    default_environment: "TRAINING"
    default_environment: "SERVING"
    annotation {{ tag: "missing_number:-9007199254740992" tag: "missing_string:" }}
    feature {{ name: "fare" type: FLOAT {_REQUIRED} }}
    feature {{ name: "delay" type: FLOAT {_REQUIRED} }}
    feature {{ name: "latitude" type: FLOAT {_REQUIRED} }}
    feature {{ name: "longitude" type: FLOAT {_REQUIRED} }}
    feature {{ name: "hour" type: INT {_REQUIRED} }}
    feature {{ name: "seconds" type: INT {_REQUIRED} }}
    feature {{ name: "epoch" type: INT {_REQUIRED} }}
    feature {{ name: "payment" type: BYTES {_REQUIRED} }}
    feature {{ name: "miles" type: FLOAT value_count {{ min: 0 max: 1 }} }}
    feature {{ name: "company" type: BYTES value_count {{ min: 0 max: 1 }} }}
    feature {{ name: "amount" type: FLOAT {_REQUIRED} not_in_environment: "SERVING" }}
    """,
    schema_pb2.Schema(),
)


def make_rows(count: int = ROWS, seed: int = 0) -> list[Row]:
    """Make trips; one in a thousand has no `miles`, one in three no company."""
    random = np.random.default_rng(seed)
    fare = 3.25 + np.round(random.lognormal(1.9, 0.8, count) * 4) / 4
    miles = np.round(random.lognormal(0.8, 0.9, count), 1)
    delay = random.normal(0.0, 2.0, count)
    columns = {
        "fare": fare,
        "delay": delay,
        "latitude": 41.88 + random.normal(0, 0.05, count),
        "longitude": -87.63 + random.normal(0, 0.05, count),
        "hour": random.integers(0, 24, count),
        "seconds": 60 * random.integers(0, 90, count),
        "epoch": 1_356_998_400 + 900 * random.integers(0, 140_000, count),
        "payment": random.choice(["Cash", "Credit Card", "No Charge"], count, p=[0.6, 0.35, 0.05]),
        "company": [f"company {kind}" if kind < 40 else None for kind in random.integers(0, 60, count)],
        "miles": [None if i % 1000 == 17 else value for i, value in enumerate(miles.tolist())],
        "amount": np.round(fare * 1.15 + random.normal(0, 2, count), 2),
    }
    lists = {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    return [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
