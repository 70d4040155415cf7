"""The error of unusable certificates and keys."""


class TlsError(ValueError):
    """A certificate or a key cannot be used. The message says which, what was expected and what was received."""
