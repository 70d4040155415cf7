"""Admit requests by API key and rate."""

from starlette.requests import Request

from serving.gateway.api_keys import HEADER, ApiKeys
from serving.gateway.problems import ProblemError
from serving.gateway.rate_limit import RequestCounter


class Admission:
    """Admit requests of all routes that need a key; their rate is counted together.

    Args:
        keys: the valid keys.
        rate_limit: counts the requests of one client.
        operator_port: the port on which operators' routes need no key; None if there is no such port.
    """

    def __init__(self, keys: ApiKeys, rate_limit: RequestCounter, operator_port: int | None = None):
        self._keys = keys
        self._rate_limit = rate_limit
        self._operator_port = operator_port

    async def admit(self, request: Request) -> str | None:
        """Check key and rate. Requests without a valid key are counted by address, which slows key guessing.

        Args:
            request: its headers hold the key.

        Returns:
            The name of the key; None if no key is needed.

        Raises:
            ProblemError: 401, no valid key; 429, too many requests.
        """
        address = request.client.host if request.client else "unknown"
        name = self._keys.name_of(request.headers.get(HEADER, "")) if self._keys.needed else None
        if name:
            request.state.log_fields["key"] = name
        await self._rate_limit.count(f"key {name}" if name else f"address {address}")
        if self._keys.needed and name is None:
            raise ProblemError(
                401,
                "unauthorized",
                f"The request has no valid API key: expected one in the header {HEADER}, "
                f"received {'another' if HEADER in request.headers else 'none'}.",
                headers={"WWW-Authenticate": "APIKey"},
            )
        return name

    async def admit_operator(self, request: Request) -> None:
        """Check whether the request may read metrics, readiness and documentation.

        Args:
            request: its headers hold the key, unless it came by the operators' port.

        Raises:
            ProblemError: As `admit`, where keys are needed and the request did not come by the operators' port.
        """
        server = request.scope.get("server")
        if self._keys.needed and not (self._operator_port and server and server[1] == self._operator_port):
            await self.admit(request)
