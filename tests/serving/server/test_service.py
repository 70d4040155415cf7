"""What the service makes of what the manager says; its answers are asked for in test_rest.py and test_grpc.py."""

from pathlib import Path

import grpc
from tensorflow_serving.apis import model_pb2

from serving.server.errors import ServingError
from serving.server.metrics import ServerMetrics
from serving.server.model_versions import ModelVersion, State
from serving.server.service import Service


class Manager:
    """Has a version that answers, and a newer one that could not be loaded."""

    def status(self, _: model_pb2.ModelSpec) -> list[ModelVersion]:
        failed = ServingError(grpc.StatusCode.NOT_FOUND, "no saved_model.pb")
        return [
            ModelVersion(9, Path("9"), state=State.END, error=failed),
            ModelVersion(8, Path("8"), state=State.AVAILABLE),
        ]


def test_a_version_that_failed_shows_code_and_message() -> None:
    service = Service(Manager(), None, ServerMetrics())  # type: ignore[arg-type]
    rows = service.status(model_pb2.ModelSpec(name="line")).model_version_status
    assert [(row.version, row.state, row.status.error_code, row.status.error_message) for row in rows] == [
        (9, State.END, grpc.StatusCode.NOT_FOUND.value[0], "no saved_model.pb"),
        (8, State.AVAILABLE, 0, ""),
    ]
