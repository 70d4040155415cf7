"""Check that the files that were read are those whose fingerprint is in the cache key."""

import functools
import os
from collections.abc import Mapping

from components.csv_example_gen.csv_files import ListFiles, find_files
from components.csv_example_gen.file_contents import OpenFile, SourceError
from components.csv_example_gen.fingerprint import BLAKE2B, digest_file, fingerprint, identify


class SourceGuard:
    """Detects changes of files while they are read: create it before reading, and call `verify` after it.

    Files are hashed as a whole and not while they are parsed, since they may be read in any order and more than once. A
    file that was changed and changed back is detected by its identity.

    Attributes:
        fingerprint: fingerprint of the files before they are read.
    """

    def __init__(
        self, folder: str, patterns: Mapping[str, str], recorded: str, *, list_files: ListFiles, open_file: OpenFile
    ) -> None:
        """Record the files' identities and fingerprint.

        Args:
            folder: folder of the files.
            patterns: pattern of the files' names, by input split.
            recorded: the fingerprint in the cache key. If it is not of the files' contents, one is computed.
            list_files: function that returns the files that match a pattern.
            open_file: function that opens a file for reading bytes.

        Raises:
            SourceError: There is no file, or a file cannot be read.
        """
        self._folder = folder
        self._patterns = patterns
        self._list_files = list_files
        self._open_file = open_file
        self._identities = {file: identify(file) for files in self._files().values() for file in files}
        self.fingerprint = recorded if BLAKE2B in recorded else self._take_fingerprint()

    def verify(self) -> None:
        """Check that the files did not change.

        Raises:
            SourceError: A file was changed, added or removed.
        """
        changed = [file for file, identity in self._identities.items() if identify(file) != identity]
        received = "" if changed else self._take_fingerprint()
        if changed or received != self.fingerprint:
            what = f"changed files {', '.join(changed)}" if changed else received
            raise SourceError(
                f"{self._folder}: the files changed while ExampleGen read them. Expected {self.fingerprint}, received "
                f"{what}. Nothing was kept. Wait until they are complete, and run again."
            )

    def _files(self) -> dict[str, list[str]]:
        return {
            split: find_files(os.path.join(self._folder, pattern), self._list_files)
            for split, pattern in self._patterns.items()
        }

    def _take_fingerprint(self) -> str:
        digest = functools.partial(digest_file, open_file=self._open_file)
        return "\n".join(fingerprint(split, files, digest) for split, files in self._files().items())
