"""One server with small models, for the tests that ask it over HTTP."""

from collections.abc import Iterator

import pytest
import tensorflow as tf

from tests.serving.running_server import RunningServer, running
from tests.serving.server import saved_models

DTYPES = {"floats": tf.float32, "doubles": tf.float64, "ints": tf.int32, "longs": tf.int64, "texts": tf.string}
MONITORING_PATH = "/monitoring/prometheus/metrics"


@pytest.fixture(scope="session")
def rest_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Serves, until the session ends:

    `line` (versions 3 and 12, slopes 3 and 12, labels stable and canary), an echo for each of DTYPES and for `bools`,
    `halves` and `bytes`, `pair`, `counter` and the like of it `tally`, `failing`, `features`, `answers`, and `waiting`,
    whose gate is the file `gate` beside the log.
    """
    base, log = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("rest")
    for version in (3, 12):
        saved_models.save_line(base / "line", version, slope=version)
    for name, dtype in (DTYPES | {"bools": tf.bool, "halves": tf.float16, "bytes": tf.int8}).items():
        saved_models.save_echo(base / name, dtype)
    saved_models.save_pair(base / "pair")
    saved_models.save_counter(base / "counter")
    saved_models.save_counter(base / "tally")
    saved_models.save_features(base / "features")
    saved_models.save_answers(base / "answers")
    saved_models.save_failing(base / "failing")
    saved_models.save_waiting(base / "waiting", log / "gate")
    labels = 'version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 12 }'
    more = {"line": f"model_version_policy {{ all {{}} }} {labels}"}
    configs = "".join(
        f'config {{ name: "{path.name}" base_path: "{path}" model_platform: "tensorflow" {more.get(path.name, "")} }}\n'
        for path in sorted(base.iterdir())
    )
    (log / "models.config").write_text(f"model_config_list {{ {configs} }}")
    (log / "monitoring.config").write_text("prometheus_config { enable: true }")
    with running(
        log,
        f"--model_config_file={log / 'models.config'}",
        f"--monitoring_config_file={log / 'monitoring.config'}",
        "--allow_version_labels_for_unavailable_models",
    ) as server:
        server.wait_for(lambda: server.states("line") == {3: "AVAILABLE", 12: "AVAILABLE"})
        yield server
