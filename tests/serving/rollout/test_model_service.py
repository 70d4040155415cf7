"""The messages of the model service are TensorFlow Serving's own, and cost no TensorFlow."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor, text_format
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.rollout import model_service_pb2

ROOT = Path(__file__).resolve().parents[3]
OFFICIAL = {
    "ModelServerConfig": model_server_config_pb2.ModelServerConfig,
    "ReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    "ReloadConfigResponse": model_management_pb2.ReloadConfigResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
}


def same(official: descriptor.Descriptor, ours: descriptor.Descriptor, seen: set[str]) -> int:
    """Holds each official field against ours, down to the last message; how many there were."""
    if official.full_name in seen or official.full_name.startswith("google."):
        return 0
    seen.add(official.full_name)
    count = 0
    for field in official.fields:
        own = ours.fields_by_name[field.name]
        assert (own.number, own.type, own.has_presence) == (field.number, field.type, field.has_presence), (
            field.full_name
        )
        one_of = (
            field.containing_oneof and field.containing_oneof.name,
            own.containing_oneof and own.containing_oneof.name,
        )
        assert one_of[0] == one_of[1], field.full_name
        count += 1
        if field.message_type:
            count += same(field.message_type, own.message_type, seen)
        if field.enum_type:
            assert {value.name: value.number for value in field.enum_type.values} == {
                value.name: value.number for value in own.enum_type.values
            }
    return count


@pytest.mark.parametrize(("name", "least"), [
    ("ModelServerConfig", 15), ("ReloadConfigRequest", 17), ("ReloadConfigResponse", 6),
    ("GetModelStatusRequest", 5), ("GetModelStatusResponse", 6),
])  # fmt: skip
def test_every_field_is_the_official_one(name: str, least: int) -> None:
    assert same(OFFICIAL[name].DESCRIPTOR, getattr(model_service_pb2, name).DESCRIPTOR, set()) >= least


def test_bytes_are_understood_by_the_official_package() -> None:
    text = """
      model_config_list { config {
        name: "taxi" base_path: "/models/taxi" model_platform: "tensorflow"
        model_version_policy { specific { versions: 1795253025 versions: 2 } }
        version_labels { key: "stable" value: 2 } version_labels { key: "canary" value: 1795253025 }
        logging_config { sampling_config { sampling_rate: 0.25 } }
      } }
    """
    ours = text_format.Parse(text, model_service_pb2.ModelServerConfig())
    official = model_server_config_pb2.ModelServerConfig.FromString(ours.SerializeToString())
    assert official == text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def test_an_official_answer_is_understood() -> None:
    official = get_model_status_pb2.GetModelStatusResponse()
    official.model_version_status.add(version=7, state="END").status.error_message = "no graph"
    ours = model_service_pb2.GetModelStatusResponse.FromString(official.SerializeToString()).model_version_status[0]
    assert (ours.version, ours.state, ours.status.error_message) == (7, 50, "no graph")


def test_no_tensorflow_is_imported() -> None:
    script = (
        "import sys, serving.rollout.command; print(*sorted(set(sys.modules) & {'tensorflow', 'numpy', 'pyarrow'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
