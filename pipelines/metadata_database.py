"""Where ML Metadata keeps the records of a folder: SQLite below it, or the MySQL database that its metadata.json names.

Everything that opens ML Metadata asks here, by the path of the SQLite file, whichever of the two it is.
Loads neither TFX nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from serving.durable_file import write_whole

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

PASSWORD = "METADATA_PASSWORD"  # the environment variable; no file of ours holds it
_FILE = "metadata.json"
_PORT = 3306
_TRIES = 10  # of a transaction that another process's one got in the way of


class MetadataDatabaseError(ValueError):
    """The database cannot be named so, cannot be reached, or is another than the folder's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MySqlDatabase:
    """A MySQL or MariaDB database, which several processes can write to at the same time."""

    host: str
    port: int
    database: str
    user: str

    @classmethod
    def parse(cls, url: str) -> MySqlDatabase:
        """Reads mysql://user@host:3306/database; the port may be left out.

        Raises:
            MetadataDatabaseError: It is no such address, or holds a password.
        """
        if ":" in url.partition("://")[2].rpartition("@")[0]:  # First of all: the other messages show the address.
            raise MetadataDatabaseError(
                f"--metadata: expected no password in the address, received one; put it into {PASSWORD}"
            )
        try:
            found = urllib.parse.urlsplit(url)
            port, database = found.port or _PORT, found.path.removeprefix("/")
        except ValueError:  # such as a port that is no number
            found, port, database = urllib.parse.urlsplit(""), 0, ""
        if found.scheme != "mysql" or not (found.username and found.hostname and database) or "/" in database:
            raise MetadataDatabaseError(f"--metadata: expected mysql://user@host/database, received {url!r}")
        return cls(host=found.hostname, port=port, database=database, user=urllib.parse.unquote(found.username))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mysql://{urllib.parse.quote(self.user, safe='')}@{host}:{self.port}/{self.database}"


def use_mysql(var: Path, database: MySqlDatabase) -> None:
    """Makes a MySQL database the one of a folder, from now on, and makes its tables.

    Only call it while holding the folder.

    Raises:
        MetadataDatabaseError: The folder has another one already, or the database cannot be opened.
    """
    sqlite = var / "metadata.sqlite"
    known = find_mysql(sqlite)
    if known == database:
        return
    if known is not None or sqlite.exists():
        raise MetadataDatabaseError(
            f"--metadata: expected {known or sqlite}, where the records of {var} are, received {database}; "
            "take another folder with --var"
        )
    from ml_metadata.errors import StatusError
    from ml_metadata.metadata_store import MetadataStore

    try:
        MetadataStore(_mysql_connection(database)).get_artifact_types()
    except (StatusError, RuntimeError) as error:
        raise MetadataDatabaseError(
            f"--metadata: expected {database} to let its user in with the password in {PASSWORD}, and make tables; "
            f"received {error}"
        ) from error
    write_whole(var / _FILE, json.dumps(dataclasses.asdict(database), indent=1) + "\n")


def find_mysql(sqlite: Path) -> MySqlDatabase | None:
    """Finds the MySQL database that is used instead of an SQLite file; None: the file itself is."""
    file = sqlite.with_name(_FILE)
    return MySqlDatabase(**json.loads(file.read_text())) if file.is_file() else None


def has_metadata(sqlite: Path) -> bool:
    """Tells whether there is a database."""
    return find_mysql(sqlite) is not None or sqlite.is_file()


def connect(sqlite: Path, *, read_only: bool = False) -> metadata_store_pb2.ConnectionConfig:
    """Returns how ML Metadata opens the database; makes the folder of an SQLite file that is not there yet.

    Args:
        sqlite: the SQLite file, whether or not the records are in it.
        read_only: an SQLite file is not made, nor written to. MySQL's users have rights of their own.

    Raises:
        MetadataDatabaseError: The password is missing.
    """
    from ml_metadata.proto import metadata_store_pb2

    database = find_mysql(sqlite)
    if database is not None:
        return _mysql_connection(database)
    modes = metadata_store_pb2.SqliteMetadataSourceConfig
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(sqlite)
    connection.sqlite.connection_mode = modes.READONLY if read_only else modes.READWRITE_OPENCREATE
    if not read_only:
        sqlite.parent.mkdir(parents=True, exist_ok=True)
    return connection


def require_password(sqlite: Path) -> None:
    """Checks that the password of a MySQL database is there, before anything is loaded.

    Raises:
        MetadataDatabaseError: It is missing.
    """
    if (database := find_mysql(sqlite)) is not None:
        _read_password(database)


def _read_password(database: MySqlDatabase) -> str:
    password = os.environ.get(PASSWORD)
    if password is None:
        raise MetadataDatabaseError(
            f"{database}: expected its user's password in the environment variable {PASSWORD}, received none"
        )
    return password


def _mysql_connection(database: MySqlDatabase) -> metadata_store_pb2.ConnectionConfig:
    from ml_metadata.proto import metadata_store_pb2

    password = _read_password(database)
    connection = metadata_store_pb2.ConnectionConfig()
    connection.mysql.host, connection.mysql.port = database.host, database.port
    connection.mysql.database, connection.mysql.user = database.database, database.user
    connection.mysql.password = password
    connection.mysql.skip_db_creation = True  # The user need not be allowed to make databases.
    connection.retry_options.max_num_retries = _TRIES
    return connection
