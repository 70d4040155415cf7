"""The descriptors of the two services."""

import importlib

import pytest
from google.protobuf import descriptor_pool

from serving.server import service_descriptors


@pytest.mark.parametrize("module", ["prediction_service_pb2", "model_service_pb2"])
def test_upstreams_own_descriptors_cannot_be_imported(module: str) -> None:
    """Once they can, service_descriptors and its row in docs/reference/serving.md have no reason any more."""
    service_descriptors.register()
    with pytest.raises((AttributeError, TypeError)):
        importlib.import_module(f"tensorflow_serving.apis.{module}")


def test_every_method_is_described() -> None:
    service_descriptors.register()
    service_descriptors.register()  # a second server in the same process
    pool = descriptor_pool.Default()
    methods = {
        name: [(method.name, method.input_type.full_name, method.output_type.full_name) for method in described.methods]
        for name in (service_descriptors.PREDICTION_SERVICE, service_descriptors.MODEL_SERVICE)
        for described in [pool.FindServiceByName(name)]
    }
    package = "tensorflow.serving."
    assert methods == {
        "tensorflow.serving.PredictionService": [
            ("Classify", f"{package}ClassificationRequest", f"{package}ClassificationResponse"),
            ("Regress", f"{package}RegressionRequest", f"{package}RegressionResponse"),
            ("Predict", f"{package}PredictRequest", f"{package}PredictResponse"),
            ("MultiInference", f"{package}MultiInferenceRequest", f"{package}MultiInferenceResponse"),
            ("GetModelMetadata", f"{package}GetModelMetadataRequest", f"{package}GetModelMetadataResponse"),
        ],
        "tensorflow.serving.ModelService": [
            ("GetModelStatus", f"{package}GetModelStatusRequest", f"{package}GetModelStatusResponse"),
            ("HandleReloadConfigRequest", f"{package}ReloadConfigRequest", f"{package}ReloadConfigResponse"),
        ],
    }
