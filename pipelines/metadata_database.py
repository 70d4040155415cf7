"""Find the database of ML Metadata for a folder: SQLite in it, or the MySQL database that its metadata.json names.

All code that opens ML Metadata calls this module with the path of the SQLite file, even if MySQL is used. It loads
neither TFX nor TensorFlow.
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

PASSWORD = "METADATA_PASSWORD"  # the environment variable; the password is in no file
_FILE = "metadata.json"
_PORT = 3306
_TRIES = 10  # of a transaction that conflicts with another process's


class MetadataDatabaseError(ValueError):
    """The address of the database is invalid, it cannot be opened, or the folder uses another one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MySqlDatabase:
    """The address of a MySQL or MariaDB database. Several processes can write to it at the same time."""

    host: str
    port: int
    database: str
    user: str

    @classmethod
    def parse(cls, url: str) -> MySqlDatabase:
        """Parse mysql://user@host:3306/database; the port may be left out.

        Returns:
            The address, with port 3306 if none is given.

        Raises:
            MetadataDatabaseError: The address is invalid, or contains a password.

        Example:
            >>> print(MySqlDatabase.parse("mysql://tfx@db.example.com/metadata"))
            mysql://tfx@db.example.com:3306/metadata
        """
        if ":" in url.partition("://")[2].rpartition("@")[0]:  # First: the other messages show the address.
            raise MetadataDatabaseError(
                f"--metadata: expected no password in the address, received one; put it into {PASSWORD}"
            )
        try:
            found = urllib.parse.urlsplit(url)
            port, database = found.port or _PORT, found.path.removeprefix("/")
        except ValueError:  # such as a port that is not a number
            found, port, database = urllib.parse.urlsplit(""), 0, ""
        if found.scheme != "mysql" or not (found.username and found.hostname and database) or "/" in database:
            raise MetadataDatabaseError(f"--metadata: expected mysql://user@host/database, received {url!r}")
        return cls(host=found.hostname, port=port, database=database, user=urllib.parse.unquote(found.username))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mysql://{urllib.parse.quote(self.user, safe='')}@{host}:{self.port}/{self.database}"


def use_mysql(var: Path, database: MySqlDatabase) -> None:
    """Record that a folder uses a MySQL database from now on, and create its tables.

    Call it only while holding the folder's lock.

    Args:
        var: the folder.
        database: the address.

    Raises:
        MetadataDatabaseError: The folder already uses another database, or this one cannot be opened.
    """
    sqlite = var / "metadata.sqlite"
    known = find_mysql(sqlite)
    if known == database:
        return
    if known is not None or sqlite.exists():
        raise MetadataDatabaseError(
            f"--metadata: expected {known or sqlite}, which has the records of {var}, received {database}; "
            "choose another folder with --var"
        )
    from ml_metadata.errors import StatusError
    from ml_metadata.metadata_store import MetadataStore

    try:
        MetadataStore(_mysql_connection(database)).get_artifact_types()
    except (StatusError, RuntimeError) as error:
        raise MetadataDatabaseError(
            f"--metadata: expected {database} to accept its user with the password in {PASSWORD}, and to let it create "
            f"tables, received {error}"
        ) from error
    write_whole(var / _FILE, json.dumps(dataclasses.asdict(database), indent=1) + "\n")


def find_mysql(sqlite: Path) -> MySqlDatabase | None:
    """Return the address of the MySQL database that is used instead of an SQLite file; None: the file is used."""
    file = sqlite.with_name(_FILE)
    return MySqlDatabase(**json.loads(file.read_text())) if file.is_file() else None


def has_metadata(sqlite: Path) -> bool:
    """Tell whether the folder of `sqlite` has a database."""
    return find_mysql(sqlite) is not None or sqlite.is_file()


def connect(sqlite: Path, *, read_only: bool = False) -> metadata_store_pb2.ConnectionConfig:
    """Return ML Metadata's settings to open the database. Create the folder of an SQLite file unless `read_only`.

    Args:
        sqlite: the SQLite file, also if MySQL is used instead.
        read_only: neither create nor write an SQLite file. It has no effect on MySQL, where the user's rights decide.

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
    """Check that the environment has the password if MySQL is used; callers do so before they load libraries.

    Args:
        sqlite: the SQLite file, also if MySQL is used instead.

    Raises:
        MetadataDatabaseError: The password is missing.
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
    connection.mysql.skip_db_creation = True  # The user may lack the right to create databases.
    connection.retry_options.max_num_retries = _TRIES
    return connection
