"""Roll-outs on a real server, under load: there, back, and not at all."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from serving.rollout import replay_requests
from serving.rollout.admin_client import AdminClient
from tests.serving.rollout.conftest import MODEL, Site
from tests.serving.rollout.load import Load
from tests.serving.rollout.requests_log import write_log

pytestmark = pytest.mark.pipeline

STABLE, CANARY = pytest.approx(0.09), pytest.approx(0.091)  # what versions 1 and 2 answer to the load's first row


def test_there_and_back_without_a_failed_request(site: Site) -> None:
    assert "config    not pinned" in site.ok("status")
    said = site.ok("pin")
    assert "labels    stable 1, no canary" in said
    assert "done      stable 1" in said
    assert "labels    stable 1, no canary" in site.ok("status")
    site.push(2, "similar")
    with Load(site.server.ports[1], MODEL) as load:
        said = site.ok("canary", "2", "--percent", "12.5")
        assert "loaded    version 2" in said
        assert "labels    stable 1, canary 2" in said
        assert "note      requests that name no label get the highest version, which is 2 now" in said
        assert site.seen() == ({1, 2}, {"stable": 1, "canary": 2})
        assert site.percent() == 12.5
        load.some_more()
        assert (load.answers["/labels/stable"][-1], load.answers["/labels/canary"][-1]) == (STABLE, CANARY)

        assert "done      stable 1, canary 2 at 50%" in site.ok("canary", "2", "--percent", "50")
        assert site.percent() == 50

        assert "`rollback` would go back to 1" in site.ok("promote")
        assert site.seen() == ({2}, {"stable": 2, "canary": 2})
        assert site.percent() == 0
        load.some_more()
        assert [answers[-1] for answers in load.answers.values()] == [CANARY] * 3

        assert "done      stable 1" in site.ok("rollback")  # undoes the promotion
        assert site.seen() == ({1}, {"stable": 1, "canary": 1})
        site.ok("canary", "2", "--percent", "5")
        assert "unloaded  version 2" in site.ok("rollback")  # ends the trial
        assert site.seen() == ({1}, {"stable": 1, "canary": 1})
        assert site.percent() == 0
        load.some_more()
        assert [answers[-1] for answers in load.answers.values()] == [STABLE] * 3
    assert load.failures == []
    assert set(load.answers["/labels/stable"]) == set(load.answers["/labels/canary"])

    ended = [record for record in site.log() if record["result"] != "started"]
    assert [(record["command"], record["after"]["stable"], record["after"]["canary"], record["after"]["percent"],
             record["result"]) for record in ended] == [
        ("pin", 1, None, 0, "done"), ("canary", 1, 2, 12.5, "done"), ("canary", 1, 2, 50, "done"),
        ("promote", 2, None, 0, "done"), ("rollback", 1, None, 0, "done"), ("canary", 1, 2, 5, "done"),
        ("rollback", 1, None, 0, "done"),
    ]  # fmt: skip
    said = site.ok("status")
    assert "on disk   1, 2" in said
    assert "config    1\n" in said
    assert f"server    {site.server.ports[0]}" in said.replace("127.0.0.1:", "")
    assert said.count("\nstep ") == 7
    assert site.config.read_text().startswith("# The models of a test.\n")


def test_each_reload_is_one_that_tensorflow_serving_takes(pinned: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses a label on a version that is not loaded, and may unload before it moves labels."""
    reloads: list[tuple[set[int], dict[str, int]]] = []
    reload = AdminClient.reload

    def recorded(server: AdminClient, config: Any) -> None:
        (model,) = config.model_config_list.config
        reloads.append((set(model.model_version_policy.specific.versions), dict(model.version_labels)))
        reload(server, config)

    monkeypatch.setattr(AdminClient, "reload", recorded)
    reloads.append(({1}, {"stable": 1, "canary": 1}))
    pinned.push(3, "no number")
    for command in (("canary", "2", "--percent", "10"), ("rollback",), ("canary", "3", "--percent", "10"),
                    ("canary", "2", "--percent", "10"), ("promote",), ("rollback",)):  # fmt: skip
        pinned.run(*command)
    assert len(reloads) > 12
    for (versions, labels), (new_versions, new_labels) in itertools.pairwise(reloads):
        assert set(new_labels.values()) <= versions & new_versions
        assert set(labels.values()) <= new_versions
        assert new_labels.keys() == {"stable", "canary"}
    assert reloads[-1] == reloads[0]


def test_an_older_version_can_be_tried_and_promoted(site: Site) -> None:
    site.push(5, "similar")
    with site.server.client() as client:
        client.wait_available([5], {})
        client.wait_gone([1])
    site.ok("pin")
    with Load(site.server.ports[1], MODEL) as load:
        said = site.ok("canary", "1", "--percent", "100")
        assert "note " not in said
        site.ok("promote")
        load.some_more()
    assert load.failures == []
    assert site.seen() == ({1}, {"stable": 1, "canary": 1})


@pytest.mark.parametrize(("kind", "reason"), [
    ("broken", "version 2 does not load"),
    ("no number", "expected 1 rows of finite numbers"),
    ("logits", "expected numbers from 0 to 1, as version 1 returns for the same row"),
    ("two outputs", "version 2 returns 2 outputs per row"),
    ("new input", "version 2 takes inputs that version 1 does not: colour (DT_STRING)"),
])  # fmt: skip
def test_a_canary_that_fails_is_put_back(site: Site, kind: str, reason: str) -> None:
    site.ok("pin")
    site.push(2, kind)
    before = site.config.read_bytes()
    # A request without a label gets the highest version that is loaded, whatever that answers.
    with Load(site.server.ports[1], MODEL, ("/labels/stable", "/labels/canary")) as load:
        code, said = site.run("canary", "2", "--percent", "10")
        load.some_more()
    assert code == 1
    assert reason in said
    assert "put back  stable 1\n" in said
    assert site.config.read_bytes() == before
    assert site.seen() == ({1}, {"stable": 1, "canary": 1})
    assert site.percent() == 0
    assert (site.log()[-1]["result"], site.log()[-1]["command"]) == ("put back", "canary")
    assert reason in site.log()[-1]["detail"]
    assert load.failures == []
    assert site.run("status")[0] == 0
    site.push(3, "similar")
    site.ok("canary", "3", "--percent", "1")


def test_the_first_canary_of_all_is_put_back_to_a_file_without_labels(site: Site) -> None:
    site.ok("status")
    before = site.config.read_bytes()
    with site.server.client() as client:
        client.reload(_only(site, 1))  # holds the server back from taking version 2 by itself
    site.push(2, "no number")
    assert site.run("canary", "2", "--percent", "10")[0] == 1
    assert site.config.read_bytes() == before


def _only(site: Site, version: int) -> object:
    from serving.rollout.models_config import Assignment, ModelsConfig

    return ModelsConfig.read(site.config).assigning(MODEL, Assignment(frozenset({version}), {})).message


def test_a_canary_that_compares_worse_never_gets_traffic(pinned: Site, trips: Path) -> None:
    pinned.push(3, "worse")
    before = pinned.config.read_bytes()
    with Load(pinned.server.ports[1], MODEL) as load:
        code, said = pinned.run("canary", "3", "--percent", "10", "--compare", trips, "--latency-ms", "1000")
    assert code == 1
    assert "differs   mean difference 0.45, at most 0.05" in said
    assert "traffic" not in said
    assert pinned.config.read_bytes() == before
    assert pinned.seen() == ({1}, {"stable": 1, "canary": 1})
    assert load.failures == []
    said = pinned.ok("canary", "2", "--percent", "10", "--compare", trips, "--latency-ms", "1000")
    assert "verdict   canary 2 is within the limits of stable 1" in said
    assert pinned.percent() == 10


def test_compare_says_how_far_they_are_apart(pinned: Site, trips: Path) -> None:
    pinned.ok("canary", "2", "--percent", "10")
    said = pinned.ok("compare", trips, "--latency-ms", "1000")
    assert "replayed  120 requests; 120 rows answered by both versions" in said
    # 0.9 and 0.91 thousandths of fares from 0 to 297.5: |difference| 0.01 * fare / 1000
    assert "ok        mean difference 0.001488, at most 0.05" in said
    assert "ok        largest difference 0.002975, at most 1" in said
    assert "ok        changed decisions 0, at most 0.05" in said
    assert pinned.log()[-1]["detail"] == "canary 2 is within the limits"
    code, said = pinned.run("compare", trips, "--mean-difference", "0.001", "--latency-ms", "1000")
    assert code == 1
    assert said.endswith("verdict   canary 2 differs from stable 1: mean difference 0.001488, at most 0.001\n")
    assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})
    # A third of the fares is decided differently from 0.25 on: 0.1 + 0.9 * fare and 0.1 + 0.91 * fare without company.
    said = pinned.ok("compare", trips, "--threshold", "0.2809", "--latency-ms", "1000")
    assert "ok        changed decisions 0.008333, at most 0.05" in said


def test_compare_sends_the_same_rows_to_both_while_the_log_grows(
    pinned: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = replay_requests.read

    def read_and_grow(path: Path, *arguments: Any) -> replay_requests.ReplayRequests:
        found = read(path, *arguments)
        write_log(path / "b.parquet", [{"fare": 1000.0 - number, "request_id": f"b{number}"} for number in range(120)])
        return found

    log = tmp_path / "requests"
    write_log(log / "a.parquet", [{"fare": 2.5 * number, "request_id": f"a{number}"} for number in range(120)])
    pinned.ok("canary", "2", "--percent", "10")
    monkeypatch.setattr(replay_requests, "read", read_and_grow)
    said = pinned.ok("compare", log, "--limit", "120", "--latency-ms", "1000")
    assert "ok        largest difference 0.002975, at most 1" in said


def test_compare_rolls_back_when_told_to(pinned: Site, trips: Path) -> None:
    pinned.push(3, "worse")
    pinned.ok("canary", "3", "--percent", "10")
    code, said = pinned.run("compare", trips, "--rollback-on-fail")
    assert code == 1
    assert "It was rolled back." in said
    assert pinned.seen() == ({1}, {"stable": 1, "canary": 1})
    assert pinned.percent() == 0
    assert [record["command"] for record in pinned.log()[-3:]] == ["compare", "rollback", "rollback"]


def test_compare_rolls_back_a_canary_with_other_outputs(pinned: Site, trips: Path) -> None:
    """As a trial that was made by hand: `canary` would not have begun it."""
    pinned.push(3, "two outputs")
    text = pinned.config.read_text()
    pinned.config.write_text(text.replace("versions: 1", "versions: 1 versions: 3").replace("value: 1", "value: 3", 1))
    pinned.ok("reload")
    assert pinned.seen() == ({1, 3}, {"stable": 1, "canary": 3})
    code, said = pinned.run("compare", trips, "--rollback-on-fail")
    assert code == 1
    assert "error     canary: expected 1 outputs per row, as the stable version returns; received 2\n" in said
    assert "fails     failed requests 120, at most 0" in said
    assert "It was rolled back." in said
    assert pinned.seen() == ({1}, {"stable": 1, "canary": 1})


def test_compare_counts_what_only_the_canary_fails_on(pinned: Site, tmp_path: Path) -> None:
    pinned.ok("canary", "2", "--percent", "10")
    path = tmp_path / "trips.jsonl"
    path.write_text('{"fare": 1}\n' * 20)
    code, said = pinned.run("compare", path)
    assert code == 1
    assert "too few   rows 20, at least 100" in said


REFUSALS = {
    "no such version": (("canary", "9", "--percent", "5"), "there is no version 9 of taxi: expected one of 1, 2, 3"),
    "no SavedModel": (("canary", "3", "--percent", "5"), "holds no SavedModel: expected saved_model.pb or"),
    "stable already": (("canary", "1", "--percent", "5"), "version 1 is stable already"),
    "no canary to promote": (("promote",), "no version is on trial: expected a canary, received stable 1"),
    "no canary to compare": (("compare", "trips.jsonl"), "no version is on trial"),
    "nothing to go back to": (("rollback",), "nothing to roll back: expected a canary, or a promotion to version 1"),
    "pinned already": (("pin",), "taxi is pinned already: stable 1"),
    "another model": (("--model", "texi", "promote"), "expected --model with one of taxi"),
    "nothing to compare": (("canary", "2", "--percent", "5", "--compare", "/none"), "no requests to replay at /none"),
    "no such folder": (("--versions-folder", "/none", "canary", "2", "--percent", "5"), "expected a folder at /none"),
    "no such file": (("--model-config-file", "/none", "promote"), "/none cannot be read"),
}  # fmt: skip


def test_what_cannot_be_is_refused_and_nothing_is_changed(pinned: Site) -> None:
    pinned.push(3, "empty")
    before, log = pinned.config.read_bytes(), pinned.log()
    for name, (command, message) in REFUSALS.items():
        code, said = pinned.run(*command)
        assert (code, message in said) == (2, True), (name, said)
    assert (pinned.config.read_bytes(), pinned.log(), pinned.percent()) == (before, log, 0)
    assert pinned.seen() == ({1}, {"stable": 1, "canary": 1})


def test_a_contract_with_a_new_feature_is_refused_before_anything_is_loaded(pinned: Site) -> None:
    path = pinned.folder / MODEL / "2" / "assets.extra" / "schema.pbtxt"
    path.write_text(path.read_text().replace('name: "company" type: BYTES', 'name: "colour" type: BYTES'))
    code, said = pinned.run("canary", "2", "--percent", "5")
    assert code == 2
    assert "version 2 takes inputs that version 1 does not: colour (string)" in said
    with pinned.server.client() as client:
        assert 2 not in client.versions()


def test_one_trial_at_a_time(pinned: Site) -> None:
    pinned.push(3, "similar")
    pinned.ok("canary", "2", "--percent", "5")
    code, said = pinned.run("canary", "3", "--percent", "5")
    assert (code, "version 2 is on trial already, with 5% of the requests" in said) == (2, True)
    assert pinned.seen()[0] == {1, 2}


def test_a_version_to_go_back_to_that_is_gone(pinned: Site) -> None:
    pinned.ok("canary", "2", "--percent", "5")
    pinned.ok("promote")
    (pinned.folder / MODEL / "1").rename(pinned.folder / "elsewhere")
    code, said = pinned.run("rollback")
    assert (code, "there is no version 1 of taxi: expected one of 2" in said) == (2, True)
    assert pinned.seen() == ({2}, {"stable": 2, "canary": 2})


def test_a_version_to_go_back_to_that_is_broken(pinned: Site) -> None:
    pinned.ok("canary", "2", "--percent", "5")
    pinned.ok("promote")
    (pinned.folder / MODEL / "1" / "saved_model.pb").write_bytes(b"no graph")
    with Load(pinned.server.ports[1], MODEL) as load:
        code, said = pinned.run("rollback")
    assert code == 1
    assert "version 1 does not load" in said
    assert pinned.seen() == ({2}, {"stable": 2, "canary": 2})
    assert load.failures == []


def test_a_failed_rollback_leaves_the_canary_without_requests_and_says_so(pinned: Site) -> None:
    pinned.ok("canary", "2", "--percent", "10")
    before = pinned.config.read_bytes()
    contract = pinned.folder / MODEL / "1" / "assets.extra" / "schema.pbtxt"
    whole = contract.read_text()
    contract.write_text("no contract")
    code, said = pinned.run("rollback")
    assert code == 1
    assert "put back  stable 1, canary 2 at 0%\n" in said
    assert (
        "failed: rollback did not succeed, and everything is as it was before, but no requests go to the canary."
        in said
    )
    assert (pinned.config.read_bytes(), pinned.percent()) == (before, 0)
    assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})
    assert pinned.log()[-1]["result"] == "put back"
    assert pinned.log()[-1]["detail"].startswith("no requests go to the canary; ")
    _, said = pinned.run("rollback")  # again, with nothing more to take away
    assert "failed: rollback did not succeed, and everything is as it was before.\n" in said
    assert "no requests go" not in pinned.log()[-1]["detail"]
    contract.write_text(whole)
    assert "done      stable 1\n" in pinned.ok("rollback")


def test_an_edit_by_hand_is_noticed_and_mended_by_reload(pinned: Site) -> None:
    text = pinned.config.read_text()
    pinned.config.write_text(text.replace("versions: 1", "versions: 1 versions: 2").replace("value: 1", "value: 2", 1))
    code, said = pinned.run("status")
    assert code == 1
    assert "has 1, expected 1, 2" in said
    assert "canary points at 1" in said
    code, said = pinned.run("promote")
    assert code == 2
    assert "a server differs from" in said
    assert "Run `reload` to make the servers follow the file" in said
    assert "done      stable 1, canary 2 at 0%" in pinned.ok("reload")
    assert pinned.seen() == ({1, 2}, {"stable": 1, "canary": 2})
    pinned.ok("status")
    pinned.ok("promote")


def test_reload_refuses_a_version_that_is_not_there(pinned: Site) -> None:
    pinned.config.write_text(pinned.config.read_text().replace("versions: 1", "versions: 7"))
    code, said = pinned.run("reload")
    assert (code, "there is no version 7 of taxi" in said) == (2, True)
    assert pinned.seen()[0] == {1}


def test_the_log_is_read_by_anyone(pinned: Site) -> None:
    record = pinned.log()[-1]
    assert set(record) == {"time", "who", "command", "model", "before", "after", "result", "detail", "config_before"}
    assert record["time"].endswith("+00:00")
    assert "@" in record["who"]
    assert json.loads(json.dumps(record["before"])) == {"stable": 1, "canary": None, "percent": 0.0}
