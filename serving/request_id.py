"""The id that identifies a request in the logs of the gateway and of the model server."""

import contextvars
import re
import secrets

HEADER = "X-Request-ID"
# The id of the current task's request; its calls of the model server have the same id.
current: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)
_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")  # safe in log lines and headers


def sent_or_new(sent: str) -> str:
    """Return the id that a client sent, or a new one if it sent no usable id."""
    return sent if _FORM.fullmatch(sent) else secrets.token_hex(12)


def loggable(sent: str) -> str:
    """Return the id that a client sent, or `-` if it sent no usable id.

    Args:
        sent: the header's value; empty if there is none.

    Returns:
        The id.

    Example:
        >>> loggable("trip-17")
        'trip-17'
        >>> loggable("two words")
        '-'
    """
    return sent if _FORM.fullmatch(sent) else "-"
