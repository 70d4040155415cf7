"""The text that Prometheus reads."""

import time

from prometheus_client.parser import text_string_to_metric_families

from serving.server import metrics
from serving.server.metrics import ServerMetrics


def test_a_value_that_equals_a_bound_is_in_its_bucket() -> None:
    """Buckets hold what is smaller as well; TensorFlow Serving would count the value in the next one."""
    measured = ServerMetrics()
    bound = metrics._BOUNDS[5]
    measured._latency.labels("line", "Predict", "REST").observe(bound)
    (family,) = [
        family
        for family in text_string_to_metric_families(measured.render().decode())
        if family.name == ":tensorflow:serving:request_latency"
    ]
    buckets = {float(sample.labels["le"]): sample.value for sample in family.samples if "le" in sample.labels}
    below, above = metrics._BOUNDS[4], metrics._BOUNDS[6]
    assert [buckets[value] for value in (below, bound, above, float("inf"))] == [0, 1, 1, 1]
    rest = {sample.name.rpartition("_")[2]: sample.value for sample in family.samples if "le" not in sample.labels}
    assert rest == {"count": 1, "sum": bound}


def test_names_of_models_are_escaped() -> None:
    measured = ServerMetrics()
    measured.answered('li"ne\\1\n', "Predict", "GRPC", "OK", time.perf_counter())
    count = r':tensorflow:serving:request_count{model_name="li\"ne\\1\n",status="OK"} 1.0'
    assert count in measured.render().decode().splitlines()
