"""Store a signature with its payload in one file: the envelope of DSSE (github.com/secure-systems-lab/dsse, version 1).

The signature covers the payload's type and length, too. So a signature of the same key over other data can never pass
as one over a manifest.
"""

import base64
import binascii
import json
from collections.abc import Callable
from pathlib import PurePosixPath

from serving.signing.errors import Reason, RefusedVersionError
from serving.signing.keys import TrustedKeys

FILE = PurePosixPath("assets.extra/model_signature.json")  # below a version; model servers ignore the folder
LARGEST = 16 * 2**20  # bytes; a manifest takes about 120 bytes per file
_TYPE = "application/vnd.model-manifest+json"


def seal(payload: bytes, key_id: str, sign: Callable[[bytes], bytes]) -> bytes:
    """Sign a payload and return the envelope."""
    signature = {"keyid": key_id, "sig": base64.b64encode(sign(_signed_bytes(payload))).decode()}
    record = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _TYPE,
        "signatures": [signature],
    }
    return json.dumps(record, indent=2).encode() + b"\n"


def unseal(envelope: bytes, keys: TrustedKeys) -> tuple[bytes, str]:
    """Verify an envelope, and return its payload and the id of the key that signed it.

    Args:
        envelope: the file's bytes.
        keys: the trusted keys.

    Returns:
        The payload, and the key's id.

    Raises:
        RefusedVersionError: The bytes are not an envelope, no trusted key signed it, or the payload differs from what
            the key signed.
    """
    payload, signatures = _read(envelope)
    for key_id, signature in signatures:
        if (key := keys.find(key_id)) is not None:
            if not key.verifies(signature, _signed_bytes(payload)):
                raise RefusedVersionError(
                    Reason.BAD_SIGNATURE, f"the manifest differs from what key {key_id} signed; push the version again."
                )
            return payload, key_id
    signed_by = ", ".join(key_id for key_id, _ in signatures) or "no one"
    raise RefusedVersionError(
        Reason.UNKNOWN_KEY,
        f"it is signed by {signed_by}: expected one of the keys {', '.join(keys.ids())}; trust that key, or push the "
        "version again with one of these.",
    )


def _signed_bytes(payload: bytes) -> bytes:
    """Return the signed bytes: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(_TYPE), _TYPE.encode(), len(payload), payload)


def _read(envelope: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        record = json.loads(envelope)
        if record["payloadType"] != _TYPE:
            raise ValueError(f"expected the type {_TYPE}, received {record['payloadType']}")
        signatures = [(str(each["keyid"]), _decode(each["sig"])) for each in record["signatures"]]
        return _decode(record["payload"]), signatures
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RefusedVersionError(
            Reason.UNSIGNED, f"{FILE} is not a signature: {type(error).__name__}: {error}; push the version again."
        ) from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"expected base64, received {error}") from error
