"""From one assignment of versions and labels to another, so that no request meets a version that is not there.

TensorFlow Serving gives a label only to a version that is loaded, and unloads at once what the configuration no longer
names. So: load what is missing; then move the labels; then, when nobody asks for the old version any more, drop it.
Each is one edit of models.config and one reload; a server that restarts in between finds a file it can start with.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence

from serving.rollout.admin_client import AdminClient, listed
from serving.rollout.errors import FailedError
from serving.rollout.models_config import Assignment, ModelsConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transition:
    """Moves one model on all its servers. Each method takes models.config as it is and returns it as it is then."""

    model: str
    servers: Sequence[AdminClient]  # each is told, one after the other, in each of the three phases
    # How long a version is kept after its labels are gone, in seconds. A caller that looked up which version a label
    # stands for, and then asks for that version, is served so long; the gateway's look-up is a second old at most.
    drain_seconds: float
    say: Callable[[str], None]  # takes a line for the operator

    def load(self, config: ModelsConfig, target: Assignment) -> ModelsConfig:
        """Make every server load the target's versions beside those that it holds; the labels stay.

        Raises:
            FailedError: A version does not load, or a server refuses or does not answer.
        """
        before = {server.name: server.versions() for server in self.servers}
        available = self.available()
        # A label on a version that does not answer would have the server refuse the whole configuration.
        labels = {label: version for label, version in config.labels(self.model).items() if version in available}
        versions = target.versions | available
        loaded = config.assigning(self.model, Assignment(versions, labels))
        missing = target.versions - available
        if missing or loaded.text != config.text:
            started = time.monotonic()
            self.apply(loaded)
            for server in self.servers:
                server.wait_available(versions, before[server.name])
            if missing:
                self.say(f"loaded    {listed(missing)} in {time.monotonic() - started:.1f} s")
        return loaded

    def relabel(self, config: ModelsConfig, target: Assignment) -> ModelsConfig:
        """Move the labels to the target's versions and verify them; the versions stay loaded.

        Raises:
            FailedError: A label leads elsewhere, or a server refuses or does not answer.
        """
        versions = config.versions(self.model)
        labelled = config.assigning(self.model, Assignment(versions or target.versions, target.labels))
        if labelled.text == config.text and not self.misrouted_labels(target.labels):
            return labelled
        self.apply(labelled)
        if misrouted := self.misrouted_labels(target.labels):
            raise FailedError(f"the labels do not lead where models.config says: {'; '.join(misrouted)}.")
        self.say("labels    " + ", ".join(f"{label} {target.labels[label]}" for label in sorted(target.labels)[::-1]))
        return labelled

    def drop(self, config: ModelsConfig, target: ModelsConfig) -> None:
        """Unload the versions that the target no longer names, after `drain_seconds`.

        Raises:
            FailedError: A server refuses, does not answer, or still holds a version at the end of its time.
        """
        kept = target.versions(self.model)
        held = {version for server in self.servers for version, status in server.versions().items() if status.loaded}
        gone = held - kept if kept is not None else set()
        if gone:
            time.sleep(self.drain_seconds)
        if gone or target.text != config.text:
            self.apply(target)
        for server in self.servers:
            server.wait_gone(gone)
        if gone:
            self.say(f"unloaded  {listed(gone)}")

    def restore(self, original: ModelsConfig) -> None:
        """Move the servers and models.config back to what the file said before, to the letter.

        Raises:
            FailedError: A server refuses or does not answer. models.config has the original text all the same.
        """
        versions = original.versions(self.model)
        try:
            current = ModelsConfig.read(original.path)
            if versions is not None:
                target = Assignment(versions, original.labels(self.model))
                current = self.relabel(self.load(current, target), target)
            self.drop(current, original)
            self.apply(original)
        finally:
            original.write()

    def apply(self, config: ModelsConfig) -> None:
        """Write models.config and make the servers reload it.

        The file comes first: a server that restarts now, or polls the file, reads what the others are told.

        Raises:
            FailedError: A server refuses or does not answer.
        """
        config.write()
        for server in self.servers:
            server.reload(config.message)

    def available(self) -> frozenset[int]:
        """The versions that answer on every server."""
        return frozenset.intersection(*(server.available() for server in self.servers))

    def misrouted_labels(self, labels: dict[str, int]) -> list[str]:
        """Describe each label that points at another version than expected on some server; empty when none does."""
        return [
            f"{label} leads to {found or 'nothing'} on {server.name}, expected {version}"
            for server in self.servers
            for label, version in sorted(labels.items())
            if (found := server.version_of(label)) != version
        ]
