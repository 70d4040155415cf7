"""What can be set, and how."""

import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from serving.gateway.settings import GatewaySettings, SettingsError, load
from tests.serving.gateway.conftest import TAXI_CONTRACT, TAXI_SETTINGS

LEAST = """
endpoint = "tip"
title = "Tip"
probability_of = "a tip"
contract = "schema.pbtxt"
[model]
name = "taxi"
"""


def loaded(tmp_path: Path, text: str = LEAST, environ: dict[str, str] | None = None, **flags: Any) -> GatewaySettings:
    path = tmp_path / "task.toml"
    path.write_text(text)
    return load(path, environ or {}, flags)


def test_the_taxi_settings() -> None:
    settings = load(TAXI_SETTINGS, {})
    assert settings.route == "/v1/tip"
    assert settings.contract.resolve() == TAXI_CONTRACT
    assert settings.model.name == "taxi"
    assert settings.listen.host == "127.0.0.1"


def test_variables_go_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    environ = {
        "GATEWAY__MODEL__SERVER": "http://model:8501",
        "GATEWAY__LIMITS__ROWS": "7",
        "GATEWAY__MODEL__LABELS": "true",
        "GATEWAY__TITLE": "Tip or not",
        "GATEWAY__LISTEN__PORT": "1",
        "GATEWAY_PORT": "tcp://10.0.0.1:80",  # Kubernetes says this of a service named gateway
    }
    settings = loaded(tmp_path, environ=environ, **{"listen.port": 2})
    assert settings.model.server == "http://model:8501"
    assert settings.limits.rows == 7
    assert settings.model.labels is True
    assert settings.title == "Tip or not"
    assert settings.listen.port == 2


def test_where_paths_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    environ = {"GATEWAY__REQUEST_LOG__FOLDER": "log"}
    settings = loaded(tmp_path, 'traffic = "a/traffic.json"' + LEAST, environ, **{"keys.file": "keys"})
    assert settings.contract == tmp_path / "schema.pbtxt"
    assert settings.traffic == tmp_path / "a" / "traffic.json"
    assert settings.keys.file == Path("/keys")  # as every path in a shell
    assert settings.request_log is not None
    assert settings.request_log.folder == Path("/log")


def test_the_request_log(tmp_path: Path) -> None:
    text = LEAST + '[request_log]\nfolder = "log"\nsample_rate = 0.5\nhashed = ["company"]\n'
    settings = loaded(tmp_path, text, {"GATEWAY_REQUEST_LOG_HASH_KEY": "0123456789abcdef"})
    assert settings.request_log is not None
    assert settings.request_log.sample_rate == 0.5
    assert settings.request_log.hashed == ("company",)
    assert settings.request_log.hash_key == b"0123456789abcdef"
    assert loaded(tmp_path).request_log is None


REFUSED = {
    "an unknown setting": ("titel = 1" + LEAST, "titel is unknown: did you mean 'title'?"),
    "an unknown setting in a table": (LEAST + 'serve = "a"', "model.serve is unknown: did you mean 'server'?"),
    "nothing like it": (LEAST + "xyzzy = 1", "model.xyzzy is unknown: expected one of server, name, signature,"),
    "one that is missing": (
        LEAST.replace('title = "Tip"', ""),
        "title is missing: expected a value, received none;",
    ),
    "a binary task without words": (
        LEAST.replace('probability_of = "a tip"', ""),
        "probability_of is missing: expected the event that the probability is of, received none; add it",
    ),
    "words of a binary task": (
        'kind = "regression"\nthreshold = 0.5' + LEAST,
        'probability_of, threshold: expected with kind = "binary" only, received kind = "regression"; remove them',
    ),
    "a kind that is none": ('kind = "ranking"' + LEAST, "kind: Input should be 'binary', 'multiclass' or 'regression'"),
    "out of range": ("threshold = 1.5" + LEAST, "threshold: Input should be less than or equal to 1, received 1.5"),
    "no URL": (LEAST + 'server = "model:8501"', "model.server: String should match pattern"),
    "of the log": (LEAST + '[request_log]\nfolder = "a"\nsample = 1', "request_log.sample is unknown: did you mean"),
    "of the log, out of range": (
        LEAST + '[request_log]\nfolder = "a"\nsample_rate = 2',
        "sample_rate: expected 0",
    ),
    "no TOML": ("[", "cannot be read: expected a TOML file such as serving/gateway/taxi.toml, received"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=list(REFUSED))
def test_settings_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        loaded(tmp_path, text)


def test_a_refused_setting_does_not_show_the_hash_key(tmp_path: Path) -> None:
    environ = {
        "GATEWAY__REQUEST_LOG__FOLDER": "log",
        "GATEWAY__REQUEST_LOG__SAMPLE_RATE": "2",
        "GATEWAY_REQUEST_LOG_HASH_KEY": "0123456789abcdef",
    }
    with pytest.raises(SettingsError, match=r"sample_rate: expected 0 to 1, received 2\.0$") as caught:
        loaded(tmp_path, environ=environ)
    assert "0123456789abcdef" not in "".join(traceback.format_exception(caught.value))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_a_variable_that_names_no_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"limits\.row is unknown: did you mean 'rows'\?"):
        loaded(tmp_path, environ={"GATEWAY__LIMITS__ROW": "1"})
    with pytest.raises(SettingsError, match="GATEWAY__TITLE__SIZE: expected title to be a table"):
        loaded(tmp_path, environ={"GATEWAY__TITLE__SIZE": "1"})
