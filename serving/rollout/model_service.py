"""The messages of TensorFlow Serving's ModelServerConfig and ModelService, without TensorFlow.

docs/decisions/0009-rollout-without-tensorflow.md says why.
"""

from pathlib import Path
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

_DESCRIPTORS = Path(__file__).with_name("model_service.pbtxt")

GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
HANDLE_RELOAD_CONFIG_REQUEST = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


def _own_pool() -> descriptor_pool.DescriptorPool:
    """A pool apart from the default one, where the official package registers the same names."""
    pool = descriptor_pool.DescriptorPool()
    for module in (any_pb2, wrappers_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = text_format.Parse(_DESCRIPTORS.read_text(encoding="utf-8"), descriptor_pb2.FileDescriptorProto())
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _own_pool()


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"tensorflow.serving.{name}"))


ModelServerConfig = _message("ModelServerConfig")
GetModelStatusRequest = _message("GetModelStatusRequest")
GetModelStatusResponse = _message("GetModelStatusResponse")
ReloadConfigRequest = _message("ReloadConfigRequest")
ReloadConfigResponse = _message("ReloadConfigResponse")
StatusCode = _POOL.FindEnumTypeByName("tensorflow.serving.Code")
VersionState = _POOL.FindEnumTypeByName("tensorflow.serving.ModelVersionStatus.State")
