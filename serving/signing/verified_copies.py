"""Keep copies of the versions that a trusted key signed, for a model server that verifies nothing.

The server reads only the copies. A version is verified while it is copied, under a name that no server takes for a
version, and then renamed: the server sees only verified versions, and no other process can write them.
"""

import dataclasses
import itertools
import logging
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.signing.errors import ModelsError, Reason, RefusedVersionError
from serving.signing.keys import TrustedKeys
from serving.signing.verification import verify

_HALF_COPY, _GOING = ".copy", ".going"
_WATCHED = 10_000  # files of a refused version whose changes are watched
_log = logging.getLogger(__name__)
_Version = tuple[str, int]  # model, number
_Stamp = tuple[object, ...]  # changes when a version or the keys change


@dataclasses.dataclass(kw_only=True)
class VerifiedCopies:
    """Keep the copies in line with the folders and the keys."""

    source: Path  # <model>/<version>/, which others write
    target: Path  # <model>/<version>/, which no other process writes
    keys: Path  # a public key, or a folder of them
    on_refused: Callable[[str, str], None]  # called with model and reason of each refusal
    refused: dict[_Version, _Stamp] = dataclasses.field(default_factory=dict)  # refused versions, and their state then
    verified_with: tuple[str, ...] = ()  # ids of the keys that verified all copies

    def look(self) -> bool:
        """Copy new versions, and remove copies whose version is gone or whose key is no longer trusted.

        Returns:
            Whether no version is refused.

        Raises:
            SigningError: The keys cannot be used.
            ModelsError: The folder of a model cannot be read or written; all other models were updated.
            OSError: `source` or `target` cannot be read.
        """
        keys = TrustedKeys.read(self.keys)
        if self.verified_with != (ids := tuple(keys.ids())):  # also at the first look, for copies of an earlier process
            self._verify_copies(keys)
            self.verified_with = ids
        failed: list[str] = []
        for model in _models(self.source):
            try:
                self._follow(model, keys)
            except OSError as error:
                failed.append(f"{model}: {error}")
        if failed:
            raise ModelsError("; ".join(failed))
        return not self.refused

    def _follow(self, model: str, keys: TrustedKeys) -> None:
        pushed, copies = _versions(self.source / model), _versions(self.target / model)
        for number in sorted(pushed.keys() - copies.keys()):
            self._copy(model, number, pushed[number], keys)
        for model_and_number in [each for each in self.refused if each[0] == model and each[1] not in pushed]:
            del self.refused[model_and_number]
        # A folder that is unavailable for a moment looks empty, and must not remove the model.
        gone = copies.keys() - pushed.keys() - (set() if pushed else {max(copies, default=-1)})
        for number in sorted(gone):
            _remove(copies[number])
            _log.info("Version %d of %s is gone; its copy was removed.", number, model)

    def _copy(self, model: str, number: int, version: Path, keys: TrustedKeys) -> None:
        stamp = (*keys.ids(), *_stamp(version))
        if self.refused.get((model, number)) == stamp:
            return
        half = self.target / model / f"{number}{_HALF_COPY}"
        shutil.rmtree(half, ignore_errors=True)
        try:
            verified = verify(version, model=model, number=number, keys=keys, copy_to=half)
        except RefusedVersionError as error:
            shutil.rmtree(half, ignore_errors=True)
            if error.reason == Reason.UNREADABLE:
                stamp = (str(error),)  # a disk error may pass: try again at each look, and log it once
            if self.refused.get((model, number)) != stamp:
                self.on_refused(model, error.reason)
                _log.error("%s", error)
            self.refused[model, number] = stamp
            return
        half.rename(self.target / model / str(number))
        self.refused.pop((model, number), None)
        _log.info("Version %d of %s is signed by key %s, and copied.", number, model, verified.key_id)

    def _verify_copies(self, keys: TrustedKeys) -> None:
        self.target.mkdir(parents=True, exist_ok=True)
        for folder in (path for path in self.target.iterdir() if path.is_dir()):
            for half in [*folder.glob(f"*{_HALF_COPY}"), *folder.glob(f"*{_GOING}")]:
                shutil.rmtree(half)
            for number, copy in _versions(folder).items():
                try:
                    verify(copy, model=folder.name, number=number, keys=keys)
                except RefusedVersionError as error:
                    self.on_refused(folder.name, error.reason)
                    _log.error("Removing a copy: %s", error)
                    _remove(copy)


def _models(folder: Path) -> list[str]:
    """Return the models in a folder. Skip names that cannot be printed in logs and metrics."""
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(name for name in names if name[0] != "." and name.isprintable())


def _versions(folder: Path) -> dict[int, Path]:
    """Return the versions in a folder; empty if the folder does not exist."""
    if not folder.is_dir():
        return {}
    return {int(path.name): path for path in folder.iterdir() if re.fullmatch("[0-9]+", path.name) and path.is_dir()}


def _stamp(version: Path) -> _Stamp:
    """Return a value that changes when a version's files change; cheaper than reading them at each look."""
    return tuple(sorted(itertools.islice(_states(version), _WATCHED)))


def _states(version: Path) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield the states of a version's folder and its content, one by one; skip files that were removed meanwhile."""
    waiting = [str(version)]
    while waiting:
        path = waiting.pop()
        try:
            state = os.lstat(path)
            yield path, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
            if stat.S_ISDIR(state.st_mode):
                with os.scandir(path) as entries:
                    waiting += (entry.path for entry in itertools.islice(entries, _WATCHED))
        except OSError:
            continue  # the verification reports why it cannot be read


def _remove(version: Path) -> None:
    going = version.with_name(f"{version.name}{_GOING}")
    version.rename(going)  # first, so that no server finds half of it
    shutil.rmtree(going)
