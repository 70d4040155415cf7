"""Which values the contract allows a feature."""

import math

from tensorflow_metadata.proto.v0 import schema_pb2


def known_strings(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> frozenset[str]:
    """The strings that the feature's domain lists; empty when it has none."""
    if feature.HasField("string_domain"):
        return frozenset(feature.string_domain.value)
    return frozenset(
        value for domain in schema.string_domain if domain.name == feature.domain for value in domain.value
    )


def number_range(feature: schema_pb2.Feature) -> tuple[float, float] | None:
    """Least and greatest number that the feature's domain allows, infinite where it is open; None without a domain."""
    which = feature.WhichOneof("domain_info")
    if which not in ("int_domain", "float_domain"):
        return None
    domain = getattr(feature, which)
    low = domain.min if domain.HasField("min") else -math.inf
    high = domain.max if domain.HasField("max") else math.inf
    return low, high
