"""Read the values that the contract allows a feature."""

import math

from tensorflow_metadata.proto.v0 import schema_pb2

_MOST_VALUES = 1000  # limit of listed whole numbers; in a larger range, the numbers are not classes


def known_strings(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> frozenset[str]:
    """Return the strings that the feature's domain lists; empty when it has none."""
    return frozenset(_listed(feature, schema))


def allowed_values(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> tuple[str | int, ...]:
    """Return all values that the feature's domain allows, in its order; empty if it does not list them all."""
    listed = _listed(feature, schema)
    if listed:
        closed = feature.distribution_constraints.min_domain_mass >= 1
        return tuple(dict.fromkeys(listed)) if closed else ()
    domain = feature.int_domain
    is_bounded = feature.HasField("int_domain") and domain.HasField("min") and domain.HasField("max")
    if not is_bounded or domain.max - domain.min >= _MOST_VALUES:
        return ()
    return tuple(range(domain.min, domain.max + 1))


def _listed(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> list[str]:
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    return [value for domain in schema.string_domain if domain.name == feature.domain for value in domain.value]


def number_range(feature: schema_pb2.Feature) -> tuple[float, float] | None:
    """Return the smallest and largest number of the feature's domain, infinite where open; None without a domain."""
    which = feature.WhichOneof("domain_info")
    if which not in ("int_domain", "float_domain"):
        return None
    domain = getattr(feature, which)
    low = domain.min if domain.HasField("min") else -math.inf
    high = domain.max if domain.HasField("max") else math.inf
    return low, high
