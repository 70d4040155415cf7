"""The contract of requests: features, types, ranges, and how a missing value is sent."""

from serving.contract.contract import (
    SERVING_ENVIRONMENT,
    Contract,
    ContractError,
    Feature,
    Kind,
    Row,
    Value,
)
from serving.contract.schema_file import from_schema, read

__all__ = ["SERVING_ENVIRONMENT", "Contract", "ContractError", "Feature", "Kind", "Row", "Value", "from_schema", "read"]
