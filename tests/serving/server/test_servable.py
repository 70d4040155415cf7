"""What a call answers that TensorFlow cannot run; what requests do wrong is in tests/serving/server/test_rest.py."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf

from serving.server.errors import ServingError
from serving.server.servable import Servable
from tests.serving.server import saved_models
from tests.serving.server.saved_models import Signatures


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives as many zeros as are asked for."""

    def graph() -> Signatures:
        count = saved_models.v1.placeholder(tf.int64, shape=[])
        return {
            "serving_default": saved_models.predict_signature(
                {"count": count}, {"zeros": tf.fill(tf.reshape(count, [1]), 0.0)}
            )
        }

    return saved_models._save(tmp_path_factory.mktemp("zeros"), 1, graph)


@pytest.fixture
def servable(version: Path) -> Iterator[Servable]:
    servable = Servable(version)
    yield servable
    servable.close()


def zeros(servable: Servable, count: int) -> np.ndarray:
    return servable.run(servable.signatures["serving_default"], {"count": np.array(count)}, ["zeros"])["zeros"]


def refused(servable: Servable, count: int) -> ServingError:
    with pytest.raises(ServingError) as error:
        zeros(servable, count)
    return error.value


def test_an_answer_that_takes_more_memory_than_there_is(servable: Servable, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(servable, 2**50)  # 4 PiB
    assert (error.code, error.http_status) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 429)
    assert "OOM when allocating tensor" in error.message
    assert zeros(servable, 2).tolist() == [0, 0]

    def no_memory(_: object) -> list[np.ndarray]:
        raise MemoryError

    monkeypatch.setattr(servable, "_call", lambda *_: no_memory)  # as NumPy does, when it takes the answer over
    error = refused(servable, 2)
    assert (error.code, error.message) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "There is not enough memory for the answer: send fewer rows.",
    )


@pytest.mark.parametrize("called_before", [True, False])
def test_a_version_that_was_unloaded(servable: Servable, called_before: bool) -> None:
    """TensorFlow says that the call was cancelled, as if its client had done so."""
    if called_before:
        zeros(servable, 2)
    servable.close()
    error = refused(servable, 2)
    assert (error.code, error.http_status) == (grpc.StatusCode.UNAVAILABLE, 503)
    assert error.message == "The version was unloaded: Session has been closed."
