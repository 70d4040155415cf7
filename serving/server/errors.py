"""The error of a request: a canonical code and a message, which gRPC and REST encode in their own ways."""

import grpc

_MOST_BYTES = 1024  # TensorFlow Serving's kErrorMessageLimit
_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class ServingError(Exception):
    """A request that is answered with an error. The arguments are attributes, too.

    Args:
        code: the canonical code that TensorFlow Serving would return.
        message: the text for the caller.
    """

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        """Return the HTTP status; 500 for a code that has no closer one."""
        return _HTTP_STATUS.get(self.code, 500)

    @property
    def number(self) -> int:
        """Return the code's number in google.rpc.Code."""
        return int(self.code.value[0])


class InvalidArgumentError(ServingError):
    """A request that is invalid in any state of the server: INVALID_ARGUMENT.

    Args:
        message: the text for the caller.
    """

    def __init__(self, message: str):
        super().__init__(grpc.StatusCode.INVALID_ARGUMENT, message)


def cut(message: str) -> str:
    """Truncate a message as TensorFlow Serving does: its first 1,024 bytes, and a mark that the rest is missing.

    A longer message does not fit into gRPC's metadata, and the client would receive another code.

    Args:
        message: the whole message.

    Returns:
        The message as it is sent.
    """
    sent = message.encode(errors="replace")
    if len(sent) <= _MOST_BYTES:
        return message
    return sent[:_MOST_BYTES].decode(errors="ignore") + "...TRUNCATED"
