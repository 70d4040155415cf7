"""Push a blessed model as a version that is complete or absent, never half written.

TFX's own executor copies files to their final place one by one. If it is killed, it leaves a folder that a model server
may load and that the next push regards as complete. This executor adds a whole version or none
(components.pusher.versions).

A version is the model and the warm-up requests of the InfraBlessing (docs/decisions/0012-warm-up.md).

If BetterGate compared the model with those pushed before, a worse model is not pushed. A tie, that is a model that
is not distinguishable from them, is pushed only if PUSH_TIES is true: a new version without a benefit is only a risk.

If SIGNING gives a key, the version is signed with it (docs/how-to/trust.md).
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

REFUSAL = "refusal"  # in custom_config: why not to push. Also a property of the PushedModel that was not pushed for it
PUSH_TIES = "push_ties"  # in custom_config: true if ties are pushed, too
SIGNING = "signing"  # in custom_config: {"file": …, "command": …} of a SigningKey, and its KEY_ID; absent: no signature
KEY_ID = "key_id"  # id of the public key, so that the cache key changes with the key
SIGNED_BY = "signed_by"  # property of the PushedModel: the KEY_ID
COMPARISON_KEY = "comparison"  # input: BetterGate's ModelComparison
HELD_BACK = "held_back"  # property of a PushedModel that the comparison kept from being pushed: one of the next line
WORSE, TIE, TIE_BEYOND_MARGIN = "worse", "tie", "tie beyond its margin"


class Executor(pusher_executor.Executor):
    """Executor that pushes a blessed model to a folder of versions, as a whole version or not at all."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Push the model if both blessings, custom_config and the comparison allow it; else mark it as not pushed.

        Args:
            input_dict: `model`, `model_blessing` and `infra_blessing`, one artifact each; the last holds the warm-up
                requests. COMPARISON_KEY, if the pipeline has a BetterGate.
            output_dict: `pushed_model`, which gets the destination, the version, and a copy of the version.
            exec_properties: `push_destination`, JSON of a PushDestination with `filesystem.base_directory`; and
                `custom_config`, JSON of a dict that may hold REFUSAL, PUSH_TIES and SIGNING.

        Raises:
            ValueError: A blessing is missing, or the InfraBlessing has no warm-up requests.
            PushError: The destination cannot be written.
            SigningError: The version must be signed, and cannot be.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        for key in (standard_component_specs.MODEL_BLESSING_KEY, standard_component_specs.INFRA_BLESSING_KEY):
            if not input_dict.get(key):
                raise ValueError(f"nothing is pushed without both blessings: expected {key}, received none")
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        config = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY]) or {}
        if refusal := config.get(REFUSAL):
            logging.warning("Not pushed: %s", refusal)
            pushed.set_string_custom_property(REFUSAL, refusal)
            self._MarkNotPushed(pushed)
            return
        comparisons = input_dict.get(COMPARISON_KEY, [])
        if held_back := _held_back(comparisons, push_ties=bool(config.get(PUSH_TIES))):
            logging.warning("Not pushed: %s", held_back)
            pushed.set_string_custom_property(HELD_BACK, held_back)
            self._MarkNotPushed(pushed)
            return
        (infra_blessing,) = input_dict[standard_component_specs.INFRA_BLESSING_KEY]
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        base = destination.filesystem.base_directory
        signer = self._signer(config.get(SIGNING), model=os.path.basename(base))
        archive = pushed.uri
        io_utils.copy_dir(self.GetModelPath(input_dict), archive)  # before the push, since it may fail
        add_warmup_records(infra_blessing.uri, archive)
        with local_copy(archive) as model:
            if not is_local(base):
                place = _push_to_store(model, base, signer)
                self._MarkPushed(pushed, pushed_destination=place, pushed_version=os.path.basename(place))
                return
            version = push(model, Path(base), signer)
        if (version / SIGNATURE).is_file():  # the archive is a complete copy of the version
            fileio.copy(str(version / SIGNATURE), os.path.join(archive, SIGNATURE), overwrite=True)
        if signer is not None:
            pushed.set_string_custom_property(SIGNED_BY, signer.key_id)
        self._MarkPushed(pushed, pushed_destination=str(version), pushed_version=version.name)

    def _signer(self, signing: dict[str, Any] | None, *, model: str) -> VersionSigner | None:
        """Return the signer of the version; None if no signature is asked for.

        Args:
            signing: SIGNING of custom_config.
            model: name of the model, which is signed, too.

        Raises:
            SigningError: The key cannot be used, or it is not the one with which the run began.
        """
        if signing is None:
            return None
        signer = SigningKey(file=Path(signing["file"]), command=signing.get("command")).open()
        if signer.key.id != signing[KEY_ID]:
            raise SigningError(
                f"{signing['file']}: expected key {signing[KEY_ID]}, with which the run began, "
                f"received {signer.key.id}; run again."
            )
        run_id = (self._context and self._context.pipeline_run_id) or ""
        return VersionSigner(model=model, run_id=run_id, signer=signer)


def _push_to_store(model: Path, base: str, signer: VersionSigner | None) -> str:
    """Push to an object store and return the version's URI.

    Args:
        model: folder of the model.
        base: URI of the folder of versions.
        signer: must be None; versions in object stores are not signed.

    Returns:
        The URI.

    Raises:
        SigningError: There is a signer.
    """
    if signer is not None:
        raise SigningError(
            f"{base}: expected a folder of this machine to push a signed version to, received an object store; push "
            "without --sign, or sign what the servers fetch (docs/how-to/trust.md)"
        )
    return push_to_store(model, base)


def _held_back(comparisons: list[types.Artifact], *, push_ties: bool) -> str:
    """Return why the comparison keeps the model from being pushed; empty if it does not, or there is none.

    Raises:
        ValueError: The comparison has an unknown outcome.
    """
    for comparison in comparisons:
        outcome = comparison.get_string_custom_property(ModelComparison.OUTCOME)
        if outcome == ModelComparison.WORSE:
            return WORSE
        if outcome in (ModelComparison.TIE, ModelComparison.NOT_COMPARED):
            within = comparison.get_int_custom_property(ModelComparison.WITHIN_MARGINS) == 1
            return TIE if not push_ties else "" if within else TIE_BEYOND_MARGIN
        if outcome not in (ModelComparison.BETTER, ModelComparison.FIRST):
            raise ValueError(f"expected the outcome of a comparison, received {outcome!r}; run again with --force")
    return ""


def add_warmup_records(infra_blessing: str, model: str) -> None:
    """Copy the warm-up requests of an InfraBlessing into a SavedModel.

    Args:
        infra_blessing: URI of the InfraBlessing.
        model: folder of the SavedModel.

    Raises:
        ValueError: The InfraBlessing has no warm-up requests.
    """
    records, place = os.path.join(infra_blessing, warmup_records.FILE), path_utils.warmup_file_path(model)
    if not fileio.exists(records):
        raise ValueError(
            f"nothing is pushed without warm-up requests: expected {warmup_records.FILE} in {infra_blessing}, "
            "received none; take the infra_blessing from SkewGate, which writes them."
        )
    fileio.makedirs(os.path.dirname(place))
    fileio.copy(records, place, overwrite=True)
