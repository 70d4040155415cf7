"""Which database a folder's ML Metadata is in."""

from pathlib import Path

import pytest

from pipelines.metadata_database import (
    PASSWORD,
    MetadataDatabaseError,
    MySqlDatabase,
    connect,
    find_mysql,
    has_metadata,
    use_mysql,
)

URL = "mysql://tfx@127.0.0.1/mlmd"


def test_an_address() -> None:
    assert MySqlDatabase.parse(URL) == MySqlDatabase(host="127.0.0.1", port=3306, database="mlmd", user="tfx")
    for url in ("mysql://t%40x@db:3307/mlmd", "mysql://tfx@[::1]:3306/mlmd"):
        assert str(MySqlDatabase.parse(url)) == url  # The graph file holds it, and it is read again.
    assert MySqlDatabase.parse("mysql://t%40x@db/mlmd").user == "t@x"


@pytest.mark.parametrize("url", ["sqlite:///a", "mysql://db/mlmd", "mysql://tfx@db", "mysql://tfx@db:x/mlmd", "mlmd"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(MetadataDatabaseError, match="expected mysql://user@host/database, received"):
        MySqlDatabase.parse(url)


@pytest.mark.parametrize("url", ["mysql://tfx:secret@db/mlmd", "mysql://tfx:secret@db:x", "mysql://tfx:a/secret@db"])
def test_no_password_stands_on_the_command_line_and_none_is_told(url: str) -> None:
    with pytest.raises(MetadataDatabaseError, match=f"received one; put it into {PASSWORD}") as raised:
        MySqlDatabase.parse(url)
    assert "secret" not in str(raised.value)


def test_a_missing_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(MetadataDatabaseError, match=f"in the environment variable {PASSWORD}, received none"):
        use_mysql(tmp_path, MySqlDatabase.parse(URL))
    assert find_mysql(tmp_path / "metadata.sqlite") is None


def test_records_are_never_left_behind(tmp_path: Path) -> None:
    sqlite = tmp_path / "metadata.sqlite"
    assert not has_metadata(sqlite)
    sqlite.touch()
    assert has_metadata(sqlite)
    with pytest.raises(
        MetadataDatabaseError, match=r"expected .*metadata.sqlite, which has the records of .*, received"
    ):
        use_mysql(tmp_path, MySqlDatabase.parse(URL))


def test_sqlite_where_nothing_else_is_said(tmp_path: Path) -> None:
    sqlite = tmp_path / "var" / "metadata.sqlite"
    assert connect(sqlite, read_only=True).sqlite.connection_mode == 1
    assert not sqlite.parent.exists()
    made = connect(sqlite)
    assert (made.sqlite.filename_uri, made.sqlite.connection_mode) == (str(sqlite), 3)
    assert sqlite.parent.is_dir()
