"""`server`: run the embedded model server."""

from typing import Annotated

from cyclopts import Parameter


def server(*flags: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Serve SavedModels over TensorFlow Serving's REST and gRPC API.

    Args:
        flags: TensorFlow Serving's flags; python -m serving server --help lists them.

    Returns:
        The exit status.
    """
    from serving.server import command  # import late: the gateway's image has no model server

    return command.run(flags)
