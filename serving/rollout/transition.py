"""Change the assignment of versions and labels so that no request asks for a missing version.

TensorFlow Serving accepts a label only for a loaded version, and unloads at once a version that the configuration no
longer names. So the order is: load what is missing; move the labels; when no request asks for the old version any more,
drop it. Each phase is one edit of models.config and one reload, and a server can start with the file after each phase.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence

from serving.rollout.admin_client import AdminClient, listed
from serving.rollout.errors import FailedError
from serving.rollout.models_config import Assignment, ModelsConfig, describe_labels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transition:
    """Change one model on all its servers. Each method takes the current models.config and returns the new one."""

    model: str
    servers: Sequence[AdminClient]  # each phase tells them one after the other
    # How long a version stays loaded after it loses its labels, in seconds. A client may have looked up the label
    # before and still ask for that version; the gateway's look-up is at most a second old.
    drain_seconds: float
    say: Callable[[str], None]  # prints a line for the operator

    def load(self, config: ModelsConfig, target: Assignment) -> ModelsConfig:
        """Make every server load the target's versions in addition to its own; the labels stay.

        Args:
            config: the current configuration.
            target: the new assignment.

        Returns:
            The configuration that the servers have then.

        Raises:
            FailedError: A version does not load, or a server refuses or does not answer.
        """
        before = {server.name: server.versions() for server in self.servers}
        available = self.available()
        # The server would refuse a configuration with a label on a version that does not answer.
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

        Args:
            config: the current configuration.
            target: the new assignment.

        Returns:
            The configuration that the servers have then.

        Raises:
            FailedError: A label points at another version, or a server refuses or does not answer.
        """
        versions = config.versions(self.model)
        labelled = config.assigning(self.model, Assignment(versions or target.versions, target.labels))
        if labelled.text == config.text and not self.misrouted_labels(target.labels):
            return labelled
        self.apply(labelled)
        if misrouted := self.misrouted_labels(target.labels):
            raise FailedError(f"the labels differ from models.config: {'; '.join(misrouted)}.")
        self.say(f"labels    {describe_labels(target.labels)}")
        return labelled

    def drop(self, config: ModelsConfig, target: ModelsConfig) -> None:
        """Unload the versions that the target no longer names, after `drain_seconds`.

        Args:
            config: the current configuration.
            target: the new configuration.

        Raises:
            FailedError: A server refuses, does not answer, or still holds a version when its time is over.
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
        """Restore the servers and models.config to an earlier configuration, text included.

        Args:
            original: the earlier configuration.

        Raises:
            FailedError: A server refuses or does not answer. models.config is restored all the same.
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

        The file is written first: a server that restarts or polls the file then reads the same as the others receive.

        Args:
            config: the new configuration.

        Raises:
            FailedError: A server refuses or does not answer.
        """
        config.write()
        for server in self.servers:
            server.reload(config.message)

    def available(self) -> frozenset[int]:
        """Return the versions that answer on every server."""
        return frozenset.intersection(*(server.available() for server in self.servers))

    def misrouted_labels(self, labels: dict[str, int]) -> list[str]:
        """Describe each label that points at another version than expected on a server; empty if none does."""
        return [
            f"{label} points at {found or 'no version'} on {server.name}, expected {version}"
            for server in self.servers
            for label, version in sorted(labels.items())
            if (found := server.version_of(label)) != version
        ]
