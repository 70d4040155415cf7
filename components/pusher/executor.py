"""A Pusher executor whose versions are complete or absent, never half written.

TFX's own executor copies in place, file by file. A kill in the middle leaves a folder that a model server may load and
that the next push takes for done. This executor adds a version as a whole (components.pusher.versions).

A version is the model together with the warm-up requests that the InfraBlessing holds (docs/decisions/0012-warm-up.md).

Where BetterGate compared the model with those pushed before, one that is worse is not pushed. One that cannot be
told apart from them, a tie, is pushed only where PUSH_TIES says so: a new version that changes nothing is a risk
without a gain.

Where SIGNING says with which key, the version is signed (docs/how-to/trust.md).
"""

import json
import os
from pathlib import Path
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils, proto_utils

from components.artifact_files import is_local, local_copy
from components.artifacts import ModelComparison
from components.candidate_serving import warmup_records
from components.pusher.remote_versions import push_to_store
from components.pusher.versions import push
from serving.signing.errors import SigningError
from serving.signing.signers import SigningKey
from serving.signing.verification import SIGNATURE
from serving.signing.version_signer import VersionSigner

REFUSAL = "refusal"  # in custom_config, and a property of what was not pushed
PUSH_TIES = "push_ties"  # in custom_config: true where a tie is pushed, too
SIGNING = "signing"  # in custom_config: {"file": …, "command": …} of a SigningKey, and its KEY_ID; absent: no signature
KEY_ID = "key_id"  # of the public key: another key is another entry of the cache
SIGNED_BY = "signed_by"  # property of what was pushed: the KEY_ID
COMPARISON_KEY = "comparison"  # input: what BetterGate found
HELD_BACK = "held_back"  # property of what was not pushed for the comparison's sake: one of the words below
WORSE, TIE, TIE_BEYOND_MARGIN = "worse", "tie", "tie beyond its margin"


class Executor(pusher_executor.Executor):
    """Pushes a blessed model to a folder of versions: a whole version, or none."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if both blessings say yes and nothing else says no; else marks it as not pushed.

        Args:
            input_dict: `model`, `model_blessing` and `infra_blessing`, one artifact each; the last holds the warm-up
                requests. COMPARISON_KEY, where the pipeline has a BetterGate.
            output_dict: `pushed_model`, which gets the destination, the version, and a copy of what is pushed.
            exec_properties: `push_destination`, JSON of a PushDestination with `filesystem.base_directory`; and
                `custom_config`, JSON of a dict that may hold a REFUSAL: why this model must not be pushed; and
                PUSH_TIES; and SIGNING.

        Raises:
            ValueError: A blessing is missing, or the warm-up requests in it are.
            PushError: The destination cannot be written.
            SigningError: The version is to be signed, and cannot be.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        for key in (standard_component_specs.MODEL_BLESSING_KEY, standard_component_specs.INFRA_BLESSING_KEY):
            if not input_dict.get(key):
                raise ValueError(f"nothing is pushed without both blessings: expected {key}, received none")
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        told = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY]) or {}
        if refusal := told.get(REFUSAL):
            logging.warning("Not pushed: %s", refusal)
            pushed.set_string_custom_property(REFUSAL, refusal)
            self._MarkNotPushed(pushed)
            return
        if held_back := _held_back(input_dict.get(COMPARISON_KEY, []), push_ties=bool(told.get(PUSH_TIES))):
            logging.warning("Not pushed: %s", held_back)
            pushed.set_string_custom_property(HELD_BACK, held_back)
            self._MarkNotPushed(pushed)
            return
        (infra_blessing,) = input_dict[standard_component_specs.INFRA_BLESSING_KEY]
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        base = destination.filesystem.base_directory
        signer = self._signer(told.get(SIGNING), model=os.path.basename(base))
        archive = pushed.uri
        io_utils.copy_dir(self.GetModelPath(input_dict), archive)  # before the push: what can fail comes first
        add_warmup_records(infra_blessing.uri, archive)
        with local_copy(archive) as model:
            if not is_local(base):
                place = _push_to_store(model, base, signer)
                self._MarkPushed(pushed, pushed_destination=place, pushed_version=os.path.basename(place))
                return
            version = push(model, Path(base), signer)
        if (version / SIGNATURE).is_file():  # the archive is a copy of the version, whole
            fileio.copy(str(version / SIGNATURE), os.path.join(archive, SIGNATURE), overwrite=True)
        if signer is not None:
            pushed.set_string_custom_property(SIGNED_BY, signer.key_id)
        self._MarkPushed(pushed, pushed_destination=str(version), pushed_version=version.name)

    def _signer(self, told: dict[str, Any] | None, *, model: str) -> VersionSigner | None:
        """Opens the key; None where no signature is asked for.

        Raises:
            SigningError: The key cannot be used, or is not the one that was asked for.
        """
        if told is None:
            return None
        signer = SigningKey(file=Path(told["file"]), command=told.get("command")).open()
        if signer.key.id != told[KEY_ID]:
            raise SigningError(
                f"{told['file']}: expected key {told[KEY_ID]}, with which the run began, received {signer.key.id}; "
                "run again."
            )
        run_id = (self._context and self._context.pipeline_run_id) or ""
        return VersionSigner(model=model, run_id=run_id, signer=signer)


def _push_to_store(model: Path, base: str, signer: VersionSigner | None) -> str:
    """Pushes to an object store, and returns the version's URI.

    Raises:
        SigningError: The version is to be signed.
    """
    if signer is not None:
        raise SigningError(
            f"{base}: expected a folder of this machine to push a signed version to, received an object store; push "
            "without --sign, or sign what the servers fetch (docs/how-to/trust.md)"
        )
    return push_to_store(model, base)


def _held_back(comparisons: list[types.Artifact], *, push_ties: bool) -> str:
    """Return why the comparison keeps a model from being pushed; empty where it does not, or there is none.

    Raises:
        ValueError: The comparison has an outcome that nobody knows.
    """
    for comparison in comparisons:
        outcome = comparison.get_string_custom_property(ModelComparison.OUTCOME)
        if outcome == ModelComparison.WORSE:
            return WORSE
        if outcome in (ModelComparison.TIE, ModelComparison.NOT_COMPARED):
            within = comparison.get_int_custom_property(ModelComparison.WITHIN_MARGINS) == 1
            return TIE if not push_ties else "" if within else TIE_BEYOND_MARGIN
        if outcome not in (ModelComparison.BETTER, ModelComparison.FIRST):
            raise ValueError(f"expected a comparison's outcome, received {outcome!r}; run again with --force")
    return ""


def add_warmup_records(infra_blessing: str, model: str) -> None:
    """Copies the warm-up requests of an InfraBlessing into a model.

    Args:
        infra_blessing: its URI.
        model: folder of the SavedModel.

    Raises:
        ValueError: It holds none.
    """
    records, place = os.path.join(infra_blessing, warmup_records.FILE), path_utils.warmup_file_path(model)
    if not fileio.exists(records):
        raise ValueError(
            f"nothing is pushed without warm-up requests: expected {warmup_records.FILE} in {infra_blessing}, "
            "received none; take the infra_blessing from SkewGate, which writes them."
        )
    fileio.makedirs(os.path.dirname(place))
    fileio.copy(records, place, overwrite=True)
