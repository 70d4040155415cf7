"""Run DVC as a separate process, in a folder that needs no version control (`--no-scm`)."""

import configparser
import io
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipelines.data_versions.errors import DataVersionError
from serving.durable_file import write_whole

ENDING = ".dvc"  # of the small file that refers to a data file
_REMOTE = "storage"
# `dvc status --cloud` lists no state for a file in both cache and remote, and this one for a file only in the remote.
_ONLY_IN_REMOTE = "deleted"
# A data file is next to its .dvc file only while a command runs, and must not be committed.
_IGNORED = f"""*
!*/
!*{ENDING}
!.gitignore
!.dvcignore
!/.dvc/config
"""


class Dvc:
    """A DVC folder, and the DVC command that works on it."""

    def __init__(self, root: Path, command: str):
        """Set the folder and the command; nothing is read or run.

        Args:
            root: the folder.
            command: name or path of DVC's program.
        """
        self.root = root
        self._command = command

    @property
    def exists(self) -> bool:
        """Whether the folder holds a DVC configuration."""
        return self._config.is_file()

    @property
    def _config(self) -> Path:
        return self.root / ".dvc" / "config"

    def require_remote(self, remote: str | None) -> None:
        """Check that a remote is named, now or in DVC's configuration.

        Raises:
            DataVersionError: No remote is named.
        """
        if remote is None and not self.exists:
            raise DataVersionError(
                f"{self.root} names no remote: expected a place where DVC keeps the data, a folder or a URL such as "
                "s3://bucket/path; name it once, with --remote (make data-pin REMOTE=...)"
            )

    def prepare(self, remote: str | None) -> None:
        """Create the DVC folder if it does not exist, and set its remote.

        Args:
            remote: a folder or a URL; None: keep the remote that was named before.
        """
        self._config.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.root / ".gitignore", _IGNORED)
        if remote is not None:
            self._write_config(remote if "://" in remote else str(Path(remote).absolute()))

    def _write_config(self, url: str) -> None:
        """Write DVC's configuration. Settings that a person added, such as an endpoint, stay.

        The file is written here because each call of DVC takes a second. `dvc init --no-scm`, `dvc config` and
        `dvc remote add` write the same lines.
        """
        config = configparser.ConfigParser(interpolation=None)
        config.read(self._config, encoding="utf-8")
        # DVC links each file from its cache instead of copying it a second time.
        settings = {"core": {"no_scm": "True", "remote": _REMOTE}, "cache": {"type": "hardlink,copy"}}
        for section, values in (settings | {f'remote "{_REMOTE}"': {"url": url}}).items():
            if not config.has_section(quoted := f"'{section}'" if " " in section else section):
                config.add_section(quoted)
            config[quoted].update(values)
        text = io.StringIO()
        config.write(text)
        write_whole(self._config, text.getvalue())

    def add(self, files: Sequence[Path]) -> None:
        """Move files below the folder into DVC's cache, and write a .dvc file next to each."""
        self._run("add", *self._names(files))

    def push(self, folder: Path) -> None:
        """Push the data of the .dvc files below a folder, and check that the remote has all of it.

        Raises:
            DataVersionError: The push failed, or a file is in neither the remote nor the cache.
        """
        (name,) = self._names([folder])
        self._run("push", "--recursive", name)
        # `dvc push` ends with status 0 even if neither the cache nor the remote has a file.
        states = json.loads(self._run("status", "--cloud", "--json", "--recursive", name) or "{}")
        if lost := sorted(file for file, state in states.items() if state != _ONLY_IN_REMOTE):
            raise DataVersionError(
                f"the remote lacks {', '.join(lost[:5])}{' and more' if len(lost) > 5 else ''}: expected every pinned "
                "file in the remote or in DVC's cache, received files that are in neither; if the remote was emptied, "
                "remove their .dvc files and pin the data again"
            )

    def pull(self, pointers: Sequence[Path]) -> None:
        """Fetch the data of .dvc files, and put each file next to its .dvc file.

        Raises:
            DataVersionError: The remote cannot be reached, or lacks a file.
        """
        self._run("pull", "--force", *self._names(pointers))

    def _names(self, paths: Sequence[Path]) -> list[str]:
        return [str(path.relative_to(self.root)) for path in paths]

    def _run(self, *arguments: str) -> str:
        """Run DVC, and return its standard output."""
        environment = os.environ | {
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.root / ".dvc" / "tmp" / "site"),  # instead of a folder below /var/tmp
        }
        try:
            ended = subprocess.run(
                [self._command, *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise DataVersionError(
                f"{self._command}: expected DVC's command, received {error.strerror}; `python -m environment.dvc` "
                "installs it and prints its path, for --dvc; make data-pin and make data-restore do so"
            ) from error
        if ended.returncode:
            said = ended.stderr.strip() or ended.stdout.strip() or "nothing"
            raise DataVersionError(
                f"`dvc {' '.join(arguments[:4])}` in {self.root}: expected status 0, received {ended.returncode}; it "
                f"said: {said}"
            )
        return ended.stdout
