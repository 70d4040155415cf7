"""Checks for a Docker engine before a run that needs one begins."""

SOCKET = "unix:///var/run/docker.sock"  # where TFX's InfraValidator looks
_TIMEOUT_SECONDS = 10


class DockerError(RuntimeError):
    """There is no Docker engine that answers."""


def require_docker() -> None:
    """Return when a Docker engine answers at SOCKET.

    Raises:
        DockerError: None does.
    """
    import docker  # Imported here: other runs need not wait for it.
    from docker.errors import DockerException

    try:
        client = docker.DockerClient(base_url=SOCKET, timeout=_TIMEOUT_SECONDS)
        try:
            client.ping()
        finally:
            client.close()
    except DockerException as error:
        raise DockerError(
            f"no Docker engine: expected one that answers at {SOCKET}, received {error}; "
            "start Docker, or leave --infra docker (INFRA=docker) out: SkewGate asks the embedded model server then."
        ) from error
