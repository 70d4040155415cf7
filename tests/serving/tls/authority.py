"""A certificate authority of a test, and files of the certificates that it issues."""

import dataclasses
import datetime
from pathlib import Path

import trustme


@dataclasses.dataclass(frozen=True)
class Issued:
    """A certificate's files."""

    certificate: Path
    key: Path

    @property
    def pair(self) -> tuple[str, str]:
        """As httpx and ssl take them."""
        return str(self.certificate), str(self.key)


class Authority:
    """A CA; everything that it issues lies in a folder.

    Args:
        folder: is made if it is not there.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA()
        self.certificate = folder / "ca.crt"
        self._ca.cert_pem.write_to_path(self.certificate)

    def issue(self, name: str, *hosts: str, days: float = 30) -> Issued:
        """Issues a certificate, over an earlier one of that name.

        Args:
            name: of the files.
            hosts: whom it is for; none: 127.0.0.1 and localhost.
            days: from now until it expires; negative: it has expired.
        """
        now = datetime.datetime.now(datetime.UTC)
        issued = self._ca.issue_cert(
            *(hosts or ("127.0.0.1", "localhost")),
            not_before=now - datetime.timedelta(days=60),
            not_after=now + datetime.timedelta(days=days),
        )
        found = Issued(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        found.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        found.key.touch(mode=0o600)
        found.key.write_bytes(issued.private_key_pem.bytes())
        return found
