"""Compare the schema that SchemaGen inferred from the data with the contract."""

from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract.domains import known_strings


def compare_schemas(proposal: schema_pb2.Schema, contract: schema_pb2.Schema) -> list[str]:
    """Compare an inferred schema with the contract, except ranges, environments and comparators, which none infers.

    Args:
        proposal: SchemaGen's schema.
        contract: the contract.

    Returns:
        A line for each difference, in the order of the columns' names.
    """
    proposed = {feature.name: feature for feature in proposal.feature}
    agreed = {feature.name: feature for feature in contract.feature}
    lines = []
    for name in sorted(proposed.keys() | agreed.keys()):
        if name not in agreed:
            lines.append(f"{name}: in the data, not in the contract")
        elif name not in proposed:
            lines.append(f"{name}: in the contract, not in the data")
        else:
            lines += [f"{name}: {text}" for text in _compare_features(proposed[name], agreed[name], proposal, contract)]
    return lines


def _compare_features(
    proposed: schema_pb2.Feature,
    agreed: schema_pb2.Feature,
    proposal: schema_pb2.Schema,
    contract: schema_pb2.Schema,
) -> list[str]:
    pairs = {
        "type": tuple(schema_pb2.FeatureType.Name(feature.type) for feature in (proposed, agreed)),
        "present in every row": tuple(_format_required(feature) for feature in (proposed, agreed)),
    }
    lines = [f"{what}: data {data}, contract {own}" for what, (data, own) in pairs.items() if data != own]
    known = known_strings(agreed, contract)
    unknown = sorted(known_strings(proposed, proposal) - known)
    if known and unknown:
        lines.append(f"values not in the contract: {', '.join(unknown)}")
    return lines


def _format_required(feature: schema_pb2.Feature) -> str:
    return "yes" if feature.presence.min_fraction == 1 else "no"
