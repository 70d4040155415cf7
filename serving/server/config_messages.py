"""BatchingParameters and MonitoringConfig, which the package of TensorFlow Serving's protos lacks."""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

_DESCRIPTORS = Path(__file__).with_suffix(".pbtxt")


def _messages() -> dict[str, Any]:
    # A pool of its own: should a later release of the package bring these messages, they do not clash.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = text_format.Parse(_DESCRIPTORS.read_text(encoding="utf-8"), descriptor_pb2.FileDescriptorProto())
    pool.AddSerializedFile(file.SerializeToString())
    names = [f"{file.package}.{message.name}" for message in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


_CLASSES = _messages()
BatchingParameters = _CLASSES["tensorflow.serving.BatchingParameters"]
MonitoringConfig = _CLASSES["tensorflow.serving.MonitoringConfig"]
