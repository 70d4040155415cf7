"""`keygen` and `verify`: keys that sign versions, and copies of the versions that they signed."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from serving.cli.usage import UsageError, require

_DONE, _REFUSED, _BAD_KEYS = 0, 1, 2

VERIFY_EPILOGUE = """Without --every it looks once. Exit status: 0 every version that lies there
is copied; 1 one was refused, and the others are copied; 2 the keys cannot be
used, or the folders. With --every: 0 after SIGTERM or SIGINT.
"""


def keygen(private: Path = Path("var/keys/signing.pem"), public: Path = Path("var/keys/trusted/signing.pem"), /) -> int:
    """Make a key that signs pushed versions: Ed25519, in two PEM files that must not be there yet.

    Args:
        private: Where the private half goes, which its owner alone may read. It signs: `make run-local SIGN=…`.
        public: Where the public half goes. Its folder is what --verify-keys takes, or --verify_keys of the server.
    """
    from serving.signing.errors import SigningError  # Imported here: --help need not wait for it.
    from serving.signing.keys import write_pair

    try:
        key_id = write_pair(private, public)
    except (SigningError, OSError) as error:
        print(f"python -m serving keygen: error: {error}", file=sys.stderr)
        return _BAD_KEYS
    print(f"key      {key_id}\nprivate  {private}: keep it secret, and out of the repository\npublic   {public}")
    return _DONE


def verify(
    *,
    source: Annotated[Path, Parameter(name="--from")],
    to: Path,
    keys: Path,
    every: float | None = None,
    metrics_port: int | None = None,
) -> int:
    """Copy signed versions to where TensorFlow Serving reads them, and nothing else.

    TensorFlow Serving itself verifies nothing. It must not see the folder that versions are pushed to, and nobody
    but this command may write the folder that it reads.

    Args:
        source: Pushed versions, as <model>/<version>/.
        to: Copies of those that are signed, as <model>/<version>/. A version that is gone from --from, or whose key is
            trusted no more, goes; but the last one of a model stays while --from has none.
        keys: A public key, or a folder of them, read anew at each look.
        every: Look again and again, so many seconds apart.
        metrics_port: With --every: serve /metrics for Prometheus, and for probes, on all addresses.
    """
    if every is not None:
        require("--every", every, 0.1, 86_400, "seconds from 0.1 to 86,400")
    elif metrics_port is not None:
        raise UsageError("--metrics-port: expected --every with it, received none")
    from serving.signing import copying  # Imported here: --help need not wait for it.

    return copying.run(source, to, keys, every=every, metrics_port=metrics_port)
