"""The text that Prometheus reads."""

import time

from serving.server import metrics
from serving.server.metrics import ServerMetrics


def test_a_value_that_equals_a_bound_is_in_its_bucket() -> None:
    """Buckets hold what is smaller as well; TensorFlow Serving would count the value in the next one."""
    measured = ServerMetrics()
    bound = metrics._BOUNDS[5]
    measured._latency.labels("line", "Predict", "REST").observe(bound)
    text = measured.render().decode()
    labels = 'API="Predict",entrypoint="REST"'

    def line(suffix: str, le: str = "") -> float:
        known = f',{le},model_name="line"' if le else ',model_name="line"'
        begin = f":tensorflow:serving:request_latency_{suffix}{{{labels}{known}}} "
        (found,) = [line.removeprefix(begin) for line in text.splitlines() if line.startswith(begin)]
        return float(found)

    def bucket(value: float | str) -> float:
        return line("bucket", f'le="{value}"')

    assert [bucket(metrics._BOUNDS[4]), bucket(bound), bucket(metrics._BOUNDS[6]), bucket("+Inf")] == [0, 1, 1, 1]
    assert (line("sum"), line("count")) == (bound, 1)


def test_names_of_models_are_escaped() -> None:
    measured = ServerMetrics()
    measured.answered('li"ne\\1\n', "Predict", "GRPC", "OK", time.perf_counter())
    count = r':tensorflow:serving:request_count{model_name="li\"ne\\1\n",status="OK"} 1.0'
    assert count in measured.render().decode().splitlines()
