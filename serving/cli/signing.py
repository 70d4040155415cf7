"""`keygen` and `verify`: make keys that sign versions, and copy signed versions."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from serving.cli.usage import UsageError, require

_DONE, _REFUSED, _BAD_KEYS = 0, 1, 2

KEYGEN_EPILOGUE = """Exit status: 0 written; 2 a file exists already, or cannot be written.
"""

VERIFY_EPILOGUE = """Without --every it copies once. Exit status: 0 all versions are copied; 1 a
version was refused, and the others are copied; 2 the keys or the folders
cannot be used. With --every: 0 after SIGTERM or SIGINT.
"""


def keygen(private: Path = Path("var/keys/signing.pem"), public: Path = Path("var/keys/trusted/signing.pem"), /) -> int:
    """Make an Ed25519 key that signs pushed versions, in two PEM files that must not exist yet.

    Args:
        private: File for the private half, readable by its owner only. Sign with it: `make run-local SIGN=<file>`.
        public: File for the public half. Pass its folder to --verify-keys, or to the server's --verify_keys.

    Returns:
        The exit status.
    """
    from serving.signing.errors import SigningError  # import late: --help does not need it
    from serving.signing.keys import write_pair

    try:
        key_id = write_pair(private, public)
    except (SigningError, OSError) as error:
        print(f"python -m serving keygen: error: {error}", file=sys.stderr)
        return _BAD_KEYS
    print(f"key      {key_id}\nprivate  {private}: keep it secret and out of the repository\npublic   {public}")
    return _DONE


def verify(
    *,
    source: Annotated[Path, Parameter(name="--from")],
    to: Path,
    keys: Path,
    every: float | None = None,
    metrics_port: int | None = None,
) -> int:
    """Copy signed versions, and no others, to the folder that TensorFlow Serving reads.

    TensorFlow Serving itself verifies nothing. It must not see the folder
    that versions are pushed to, and only this command may write the folder
    that it reads.

    A copy is removed when its version is gone from --from, or its key is no
    longer trusted. The last version of a model stays while --from has none.

    Args:
        source: Pushed versions, as <model>/<version>/.
        to: Copies of the signed versions, as <model>/<version>/.
        keys: A public key, or a folder of them; with --every, read again each time.
        every: Repeat every so many seconds.
        metrics_port: With --every: serve /metrics for Prometheus, and for probes, on all addresses.

    Returns:
        The exit status.

    Raises:
        UsageError: --metrics-port was passed without --every.
    """
    if every is not None:
        require("--every", every, 0.1, 86_400, "seconds from 0.1 to 86,400")
    elif metrics_port is not None:
        raise UsageError("--metrics-port: expected --every with it, received none")
    from serving.signing import copying  # import late: --help does not need it

    return copying.run(source, to, keys, every=every, metrics_port=metrics_port)
