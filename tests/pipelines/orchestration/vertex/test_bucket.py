"""What of a bucket can be held without one: the libraries of a node have something to open `gs://` with."""

import tensorflow as tf
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.gcp.gcsfilesystem import GCSFileSystem
from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem

URI = "gs://my-bucket/jobs/taxi"


def test_tensorflow_serves_it() -> None:
    """TensorFlow 2.20 made its package for it optional; what is built in remained."""
    assert "gs" in tf.io.gfile.get_registered_schemes()


def test_tfx_hands_it_on_to_tensorflow() -> None:
    found = filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.get_filesystem_for_path(URI)
    assert found is TensorflowFilesystem


def test_beam_serves_it() -> None:
    assert isinstance(FileSystems.get_filesystem(URI), GCSFileSystem)
