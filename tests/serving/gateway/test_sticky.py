"""Callers that keep their side of a canary."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies
from starlette.datastructures import Headers

from serving.contract import Contract
from serving.gateway.settings import SettingsError
from serving.gateway.sticky import StickyKey, percentile
from serving.gateway.traffic_split import TrafficSplit
from tests.serving.gateway.conftest import Start, sample, settings
from tests.serving.gateway.scripted_model import ScriptedModel

Trip = dict[str, Any]

callers = strategies.text(min_size=1)
percents = strategies.floats(0, 100)


def split(folder: Path, percent: float, salt: str = "taxi") -> TrafficSplit:
    path = folder / "traffic.json"
    path.write_text(json.dumps({"canary_percent": percent}))
    return TrafficSplit(path, random.Random(1), salt)


@hypothesis.given(caller=callers, one=percents, other=percents)
@hypothesis.settings(
    max_examples=200, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_a_higher_percent_takes_no_caller_from_the_canary(
    tmp_path: Path, caller: str, one: float, other: float
) -> None:
    lower, higher = (split(tmp_path, percent).canary(caller) for percent in sorted([one, other]))
    assert lower <= higher


@hypothesis.given(caller=callers, salt=strategies.text())
def test_every_caller_has_a_place(caller: str, salt: str) -> None:
    assert 0 <= percentile(salt, caller) < 100
    assert percentile(salt, caller) == percentile(salt, caller)


def test_places_are_the_same_in_every_replica_and_release() -> None:
    """A change of these numbers moves callers of a canary that is being tried."""
    assert [round(percentile("taxi", caller), 4) for caller in ("ada", "grace", "7", "ü")] == [
        45.7136,
        96.8744,
        84.3701,
        28.1465,
    ]


def test_the_ends_of_the_scale(tmp_path: Path) -> None:
    names = [f"caller {number}" for number in range(1000)]
    assert not any(map(split(tmp_path, 0).canary, names))
    assert all(map(split(tmp_path, 100).canary, names))


@pytest.mark.parametrize("names", [[f"user-{number}" for number in range(20_000)], [str(n * n) for n in range(20_000)]])
def test_shares_are_those_of_the_percent(names: list[str]) -> None:
    """Pearson's test: 20 equal classes of places, 19 degrees of freedom; chance exceeds 43.8 once in a thousand."""
    counts = [0] * 20
    for name in names:
        counts[int(percentile("taxi", name) // 5)] += 1
    expected = len(names) / 20
    assert sum((count - expected) ** 2 / expected for count in counts) < 43.8


def test_tasks_are_tried_by_different_callers() -> None:
    names = [f"user-{number}" for number in range(10_000)]
    of = {salt: {name for name in names if percentile(salt, name) < 10} for salt in ("taxi", "diabetes")}
    assert 60 < len(of["taxi"] & of["diabetes"]) < 140  # a tenth of a tenth, within 4 standard deviations


def test_what_a_caller_is_known_by(contract: Contract) -> None:
    by_header = StickyKey.parse("header:X-User-ID", contract)
    assert by_header.value(Headers({"x-user-id": "ada"}), {}) == "ada"
    assert by_header.value(Headers({"x-user-id": ""}), {}) is None
    assert by_header.value(Headers({}), {}) is None
    by_field = StickyKey.parse("field:company", contract)
    assert by_field.value(Headers({"company": "other"}), {"company": "Taxi Affiliation Services"}) == (
        "Taxi Affiliation Services"
    )
    assert by_field.value(Headers({}), {"company": None}) is None
    with pytest.raises(ValueError, match=r"^sticky: field:compny: no field of this name; did you mean 'company'\?"):
        StickyKey.parse("field:compny", contract)


@pytest.mark.parametrize("text", ["", "X-User-ID", "cookie:a", "header:", "header:a b", "field:"])
def test_settings_that_say_nothing(text: str) -> None:
    with pytest.raises(SettingsError, match=r"sticky: String should match pattern .*received"):
        settings("http://127.0.0.1:1", {"sticky": text})


@pytest.fixture
def canary(start: Start, model: ScriptedModel, tmp_path: Path) -> Any:
    """Starts a gateway before a stable version 1 and a canary 2 with half of the callers."""
    model.versions, model.labels = ["1", "2"], {"stable": "1", "canary": "2"}
    path = tmp_path / "traffic.json"
    path.write_text('{"canary_percent": 50}')
    return lambda sticky: start({"traffic": str(path), "sticky": sticky})


def side(client: httpx.Client, sent: Trip | list[Trip], user: str | None = None) -> str:
    headers = {} if user is None else {"X-User-ID": user}
    return str(client.post("/v1/tip", json=sent, headers=headers).raise_for_status().json()["model_label"])


@pytest.mark.slow
def test_a_caller_named_by_a_header_keeps_its_side_on_every_replica(canary: Any, trip: Trip) -> None:
    one, other = canary("header:X-User-ID"), canary("header:x-user-id")
    users = [f"user-{number}" for number in range(20)]
    expected = ["canary" if percentile("taxi", user) < 50 else "stable" for user in users]
    assert set(expected) == {"canary", "stable"}
    for client in (one, other, one):
        assert [side(client, trip, user) for user in users] == expected
    unnamed = {side(one, trip) for _ in range(60)}  # by lot: one side only, once in 2^59 times
    assert unnamed == {"canary", "stable"}
    assert sample(one, "gateway_sticky_requests_total", named="true") == 40
    assert sample(one, "gateway_sticky_requests_total", named="false") == 60


@pytest.mark.slow
def test_a_request_goes_by_the_field_of_its_first_row(canary: Any, trip: Trip) -> None:
    client = canary("field:fare")
    fares = [float(fare) for fare in range(1, 21)]
    expected = ["canary" if percentile("taxi", str(fare)) < 50 else "stable" for fare in fares]
    assert set(expected) == {"canary", "stable"}
    assert [side(client, {**trip, "fare": fare}) for fare in fares] == expected
    # 7 and 7.0 are one value to the contract; the rows behind the first do not count.
    assert [side(client, [{**trip, "fare": int(fare)}, {**trip, "fare": fares[-1]}]) for fare in fares] == expected


@pytest.mark.slow
def test_a_failure_names_the_side_that_was_asked(canary: Any, model: ScriptedModel, trip: Trip) -> None:
    client = canary("header:X-User-ID")
    user = next(name for name in map(str, range(100)) if percentile("taxi", name) < 50)
    model.faults = [400]
    assert client.post("/v1/tip", json=trip, headers={"X-User-ID": user}).status_code == 502
    assert side(client, trip, user) == "canary"
    of_canary = {"model_version": "2", "label": "canary"}
    assert sample(client, "gateway_answers_total", **of_canary, result="bad_answer") == 1
    assert sample(client, "gateway_answers_total", **of_canary, result="answered") == 1


@pytest.mark.slow
def test_a_failure_before_a_version_was_chosen_names_none(canary: Any, model: ScriptedModel, trip: Trip) -> None:
    client = canary(None)
    model.busy = True
    assert client.post("/v1/tip", json=trip).status_code == 503
    assert sample(client, "gateway_answers_total", model_version="", label="", result="unavailable") == 1


@pytest.mark.slow
def test_a_page_of_another_origin_may_send_the_header(start: Start) -> None:
    origin = "https://app.example.com"
    asking = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-user-id"}
    for sticky, expected in (("header:X-User-ID", 200), ("field:company", 400), (None, 400)):
        client = start({"cors.origins": [origin], "sticky": sticky})
        assert client.options("/v1/tip", headers=asking).status_code == expected, sticky
