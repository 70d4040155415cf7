"""Check that a Docker engine answers before a run that needs one begins."""

SOCKET = "unix:///var/run/docker.sock"  # the one that TFX's InfraValidator uses
_TIMEOUT_SECONDS = 10


class DockerError(RuntimeError):
    """No Docker engine answers."""


def require_docker() -> None:
    """Check that a Docker engine answers at SOCKET.

    Raises:
        DockerError: None answers.
    """
    import docker  # Imported here, so that other runs do not wait for it.
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
            "start Docker, or leave out --infra docker (INFRA=docker): SkewGate then uses the embedded model server."
        ) from error
