"""What is pushed: what both gates blessed and nobody refused, together with its warm-up requests."""

import json
from pathlib import Path

import pytest
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact, standard_artifacts
from tfx.utils import io_utils, proto_utils

from components.artifacts import ModelComparison
from components.pusher.executor import Executor
from components.pusher.versions import list_versions
from serving.signing.errors import SigningError
from serving.signing.graph_pb2 import MetaGraph, SavedModel
from serving.signing.keys import TrustedKeys, write_pair
from serving.signing.verification import SIGNATURE, verify
from tests.components.pusher.pushed_models import FILES, make_model, read_files


def an_artifact(kind: type[artifact.Artifact], uri: Path, blessed: int | None = None) -> list[artifact.Artifact]:
    made = kind()
    made.uri = str(uri)
    if blessed is not None:
        made.set_int_custom_property("blessed", blessed)
    return [made]


def execute(
    tmp_path: Path,
    base: Path | str,
    *,
    evaluated: int | None = 1,
    unskewed: int | None = 1,
    records: str | None = "requests",
    custom_config: dict[str, object] | None = None,
    compared: tuple[str, int] | None = None,
    saved_model: bytes | None = None,
) -> standard_artifacts.PushedModel:
    """Runs the executor; a blessing of None is left out, and so are warm-up records of None."""
    model = an_artifact(standard_artifacts.Model, tmp_path / "trained")
    make_model(tmp_path / "trained" / "Format-Serving")
    if saved_model is not None:
        (tmp_path / "trained" / "Format-Serving" / "saved_model.pb").write_bytes(saved_model)
    inputs = {"model": model}
    if evaluated is not None:
        inputs["model_blessing"] = an_artifact(standard_artifacts.ModelBlessing, tmp_path, evaluated)
    if unskewed is not None:
        inputs["infra_blessing"] = an_artifact(standard_artifacts.InfraBlessing, tmp_path / "infra", unskewed)
        if records is not None:
            (tmp_path / "infra").mkdir(exist_ok=True)
            (tmp_path / "infra" / "tf_serving_warmup_requests").write_text(records)
    if compared is not None:
        inputs["comparison"] = an_artifact(ModelComparison, tmp_path)
        outcome, within = compared
        inputs["comparison"][0].set_string_custom_property(ModelComparison.OUTCOME, outcome)
        inputs["comparison"][0].set_int_custom_property(ModelComparison.WITHIN_MARGINS, within)
    (pushed,) = an_artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    destination = pusher_pb2.PushDestination(filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(base)))
    properties = {
        "push_destination": proto_utils.proto_to_json(destination),
        "custom_config": json.dumps(custom_config),
    }
    Executor(BaseExecutor.Context(pipeline_run_id="20260101-000000")).Do(inputs, {"pushed_model": [pushed]}, properties)
    return pushed


def test_executor_pushes_what_both_gates_blessed(tmp_path: Path, base: Path) -> None:
    pushed = execute(tmp_path, base)
    (version,) = base.iterdir()
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert (
        read_files(version)
        == read_files(Path(pushed.uri))
        == FILES | {"assets.extra/tf_serving_warmup_requests": "requests"}
    )


def test_executor_pushes_again_only_what_changed(tmp_path: Path, base: Path) -> None:
    first = execute(tmp_path, base).get_string_custom_property("pushed_version")
    assert execute(tmp_path, base).get_string_custom_property("pushed_version") == first
    other = execute(tmp_path, base, records="other requests").get_string_custom_property("pushed_version")
    assert sorted(list_versions(base)) == [int(first), int(other)]


def test_executor_pushes_nothing_without_warmup_records(tmp_path: Path, base: Path) -> None:
    with pytest.raises(ValueError, match="nothing is pushed without warm-up requests") as error:
        execute(tmp_path, base, records=None)
    assert str(error.value) == (
        f"nothing is pushed without warm-up requests: expected tf_serving_warmup_requests in {tmp_path / 'infra'}, "
        "received none; take the infra_blessing from SkewGate, which writes them."
    )
    assert not base.exists()


@pytest.mark.parametrize(("evaluated", "unskewed"), [(0, 1), (1, 0), (0, 0)])
def test_executor_does_not_push_what_a_gate_refused(tmp_path: Path, base: Path, evaluated: int, unskewed: int) -> None:
    pushed = execute(tmp_path, base, evaluated=evaluated, unskewed=unskewed)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not base.exists()


def test_executor_does_not_push_what_somebody_refused(tmp_path: Path, base: Path) -> None:
    pushed = execute(tmp_path, base, custom_config={"code_digest": "1", "refusal": "nobody has reviewed it"})
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.get_string_custom_property("refusal") == "nobody has reviewed it"
    assert not base.exists()


def test_the_gates_speak_first(tmp_path: Path, base: Path) -> None:
    pushed = execute(tmp_path, base, evaluated=0, custom_config={"refusal": "nobody has reviewed it"})
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("refusal")


def test_executor_pushes_where_nobody_refuses(tmp_path: Path, base: Path) -> None:
    pushed = execute(tmp_path, base, custom_config={"code_digest": "1"})
    assert pushed.get_int_custom_property("pushed") == 1


@pytest.mark.parametrize(
    ("blessings", "missing"), [({"evaluated": None}, "model_blessing"), ({"unskewed": None}, "infra_blessing")]
)
def test_executor_needs_both_blessings(tmp_path: Path, base: Path, blessings: dict[str, None], missing: str) -> None:
    message = f"nothing is pushed without both blessings: expected {missing}, received none"
    with pytest.raises(ValueError, match=message):
        execute(tmp_path, base, **blessings)
    assert not base.exists()


def test_executor_pushes_nothing_when_the_archive_fails(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_dir(source: str, target: str) -> None:
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr(io_utils, "copy_dir", copy_dir)
    with pytest.raises(OSError, match="No space left on device"):
        execute(tmp_path, base)
    assert not base.exists()


@pytest.mark.parametrize(
    ("compared", "push_ties", "held_back"),
    [
        (("first", 1), False, ""),
        (("better", 1), False, ""),
        (("worse", 0), False, "worse"),
        (("worse", 1), True, "worse"),  # to ask for ties is not to ask for what is worse
        (("tie", 1), False, "tie"),
        (("tie", 1), True, ""),
        (("tie", 0), True, "tie beyond its margin"),
        (("not compared", 1), False, "tie"),
        (("not compared", 1), True, ""),
    ],
)
def test_what_is_no_better_is_held_back(
    tmp_path: Path, base: Path, compared: tuple[str, int], push_ties: bool, held_back: str
) -> None:
    pushed = execute(tmp_path, base, compared=compared, custom_config={"push_ties": push_ties})
    assert pushed.get_string_custom_property("held_back") == held_back
    assert pushed.get_int_custom_property("pushed") == (not held_back)
    assert len(list(base.iterdir()) if base.exists() else []) == (not held_back)


def test_an_outcome_that_nobody_knows_pushes_nothing(tmp_path: Path, base: Path) -> None:
    with pytest.raises(ValueError, match="expected the outcome of a comparison, received 'splendid'"):
        execute(tmp_path, base, compared=("splendid", 1))


def test_executor_signs(tmp_path: Path, base: Path) -> None:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    told = {"signing": {"file": str(private), "key_id": write_pair(private, public)}}
    model = SavedModel(meta_graphs=[MetaGraph()])
    pushed = execute(tmp_path, base, custom_config=told, saved_model=model.SerializeToString())
    (version,) = base.iterdir()
    found = verify(version, model="taxi", number=int(version.name), keys=TrustedKeys.read(public))
    assert pushed.get_string_custom_property("signed_by") == found.key_id == told["signing"]["key_id"]
    assert found.manifest.run_id == "20260101-000000"
    assert "assets.extra/tf_serving_warmup_requests" in found.manifest.files
    assert (Path(pushed.uri) / SIGNATURE).read_bytes() == (version / SIGNATURE).read_bytes(), "the archive is a copy"
    secret = private.read_text().splitlines()[1]
    assert not any(secret in path.read_text(errors="replace") for path in base.rglob("*") if path.is_file())


def test_executor_pushes_nothing_with_another_key_than_the_run_began_with(tmp_path: Path, base: Path) -> None:
    private = tmp_path / "private.pem"
    key_id = write_pair(private, tmp_path / "public.pem")
    told = {"signing": {"file": str(private), "key_id": "0123456789abcdef"}}
    with pytest.raises(SigningError, match=f"expected key 0123456789abcdef, .* received {key_id}; run again"):
        execute(tmp_path, base, custom_config=told)
    assert not base.exists()


def test_executor_pushes_to_an_object_store(tmp_path: Path) -> None:
    pushed = execute(tmp_path, "ram://executor/taxi", saved_model=b"graph")
    place = pushed.get_string_custom_property("pushed_destination")
    assert place == f"ram://executor/taxi/{pushed.get_string_custom_property('pushed_version')}"
    assert pushed.get_int_custom_property("pushed") == 1
    assert io_utils.read_bytes_file(f"{place}/saved_model.pb") == b"graph"
    assert io_utils.read_bytes_file(f"{place}/assets.extra/tf_serving_warmup_requests") == b"requests"


def test_executor_signs_nothing_in_an_object_store(tmp_path: Path) -> None:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    told = {"signing": {"file": str(private), "key_id": write_pair(private, public)}}
    with pytest.raises(SigningError, match="ram://signed/taxi: expected a folder of this machine to push a signed"):
        execute(tmp_path, "ram://signed/taxi", saved_model=b"graph", custom_config=told)
    assert not fileio.exists("ram://signed/taxi")


def test_an_unsigned_push_says_nothing_of_a_key(tmp_path: Path, base: Path) -> None:
    pushed = execute(tmp_path, base)
    assert not pushed.has_custom_property("signed_by")
    assert not list(base.rglob("model_signature.json"))
