"""Descriptors of TensorFlow Serving's two services, for gRPC reflection.

tensorflow-serving-api ships them in prediction_service_pb2 and model_service_pb2. An old compiler generated those
files, and protobuf 4 and later cannot import them. They can import the messages, and the stubs in the files ending in
`_grpc`.
"""

from google.protobuf import descriptor_pb2, descriptor_pool
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

_PACKAGE = "tensorflow.serving"
PREDICTION_SERVICE = f"{_PACKAGE}.PredictionService"
MODEL_SERVICE = f"{_PACKAGE}.ModelService"
# For each service: its file, and for each method the messages' common prefix and the module that defines them.
_SERVICES = {
    PREDICTION_SERVICE: (
        "tensorflow_serving/apis/prediction_service.proto",
        {
            "Classify": ("Classification", classification_pb2),
            "Regress": ("Regression", regression_pb2),
            "Predict": ("Predict", predict_pb2),
            "MultiInference": ("MultiInference", inference_pb2),
            "GetModelMetadata": ("GetModelMetadata", get_model_metadata_pb2),
        },
    ),
    MODEL_SERVICE: (
        "tensorflow_serving/apis/model_service.proto",
        {
            "GetModelStatus": ("GetModelStatus", get_model_status_pb2),
            "HandleReloadConfigRequest": ("ReloadConfig", model_management_pb2),
        },
    ),
}


def register() -> None:
    """Add the services to protobuf's descriptor pool, unless they are there."""
    pool = descriptor_pool.Default()
    for service, (path, methods) in _SERVICES.items():
        try:
            pool.FindServiceByName(service)
        except KeyError:
            file = descriptor_pb2.FileDescriptorProto(name=path, package=_PACKAGE, syntax="proto3")
            described = file.service.add(name=service.removeprefix(f"{_PACKAGE}."))
            for method, (message, module) in methods.items():
                file.dependency.append(module.DESCRIPTOR.name)
                types = [f".{_PACKAGE}.{message}{end}" for end in ("Request", "Response")]
                described.method.add(name=method, input_type=types[0], output_type=types[1])
            pool.Add(file)
