"""Pushes that are out of place are out of the cache, wherever they went."""

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.types.standard_artifacts import PushedModel

from pipelines.runner.metadata_cleanup import invalidate_displaced_pushes, open_metadata_store


class Site:
    """A database of pushes, and the folders that they went to."""

    def __init__(self, var: Path):
        self.database, self.artifacts = var / "metadata.sqlite", var / "artifacts"
        self.store = open_metadata_store(self.database)
        kind = metadata_store_pb2.ArtifactType(name=PushedModel.TYPE_NAME)
        self.type_id = self.store.put_artifact_type(kind)

    def push(self, name: str, destination: Path) -> None:
        """A push of a model that is its name."""
        copy = self.artifacts / "taxi" / "Pusher" / name
        for folder in (copy, destination):
            folder.mkdir(parents=True)
            (folder / "saved_model.pb").write_text(name)
        artifact = metadata_store_pb2.Artifact(
            type_id=self.type_id, uri=str(copy), state=metadata_store_pb2.Artifact.LIVE
        )
        artifact.custom_properties["pushed_version"].string_value = destination.name
        artifact.custom_properties["pushed_destination"].string_value = str(destination)
        self.store.put_artifacts([artifact])

    def live(self) -> set[str]:
        """Names of the pushes that the cache may use."""
        return {
            Path(artifact.uri).name
            for artifact in self.store.get_artifacts_by_type(PushedModel.TYPE_NAME)
            if artifact.state == metadata_store_pb2.Artifact.LIVE
        }

    def forget(self) -> list[str]:
        return invalidate_displaced_pushes(self.database, self.artifacts)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "var")


def test_a_push_to_one_folder_leaves_one_to_another_in_place(site: Site, tmp_path: Path) -> None:
    site.push("here", tmp_path / "var" / "serving" / "taxi" / "1700000005")
    site.push("there", tmp_path / "production" / "taxi" / "1700000001")
    assert site.forget() == []
    assert site.live() == {"here", "there"}


def test_a_push_that_is_no_longer_the_newest_where_it_went(site: Site, tmp_path: Path) -> None:
    site.push("here", tmp_path / "var" / "serving" / "taxi" / "1700000005")
    site.push("there", tmp_path / "production" / "taxi" / "1700000001")
    site.push("there again", tmp_path / "production" / "taxi" / "1700000002")
    assert site.forget() == ["1700000001"]
    assert site.live() == {"here", "there again"}
    assert not (site.artifacts / "taxi" / "Pusher" / "there").exists()


def test_a_version_that_somebody_changed(site: Site, tmp_path: Path) -> None:
    destination = tmp_path / "production" / "taxi" / "1700000001"
    site.push("there", destination)
    (destination / "saved_model.pb").write_text("another")
    assert site.forget() == ["1700000001"]
    assert site.live() == set()
