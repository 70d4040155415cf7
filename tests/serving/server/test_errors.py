"""How an error is spelled on each transport."""

import grpc
import pytest

from serving.server.errors import ServingError, cut

STATUS = {
    **dict.fromkeys(("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"), 400),
    "NOT_FOUND": 404,
    **dict.fromkeys(("ALREADY_EXISTS", "ABORTED"), 409),
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_the_status_of_each_code(code: grpc.StatusCode) -> None:
    assert ServingError(code, "").http_status == STATUS.get(code.name, 500)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ("a" * 1024, "a" * 1024),
        ("a" * 1025, "a" * 1024 + "...TRUNCATED"),
        ("ä" * 513, "ä" * 512 + "...TRUNCATED"),
        ("a" + "ä" * 512, "a" + "ä" * 511 + "...TRUNCATED"),  # no half of a character is left
    ],
)
def test_a_message_is_cut_by_its_bytes(message: str, sent: str) -> None:
    assert cut(message) == sent
