"""The id by which the logs of the gateway and of the model server know a request."""

import contextvars
import re
import secrets

HEADER = "X-Request-ID"
# Of the request that this task answers; what is asked of the model server for it bears the same id.
current: contextvars.ContextVar[str | None] = contextvars.ContextVar("request_id", default=None)
_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")  # what may stand in a log line and in a header as it is


def sent_or_new(sent: str) -> str:
    """Return the id that a client sent, or a new one where it sent none that can be used."""
    return sent if _FORM.fullmatch(sent) else secrets.token_hex(12)


def loggable(sent: str) -> str:
    """Return the id that a client sent, or `-` where it sent none that can be used."""
    return sent if _FORM.fullmatch(sent) else "-"
