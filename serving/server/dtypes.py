"""TensorFlow's data types by number, as in types.proto, for a process that does not load TensorFlow."""

import enum


class DataType(enum.IntEnum):
    """The data type of a tensor."""

    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    UINT8 = 4
    INT16 = 5
    INT8 = 6
    STRING = 7
    COMPLEX64 = 8
    INT64 = 9
    BOOL = 10
    QINT8 = 11
    QUINT8 = 12
    QINT32 = 13
    BFLOAT16 = 14
    QINT16 = 15
    QUINT16 = 16
    UINT16 = 17
    COMPLEX128 = 18
    HALF = 19
    RESOURCE = 20
    VARIANT = 21
    UINT32 = 22
    UINT64 = 23


def name_of(dtype: int) -> str:
    """Return a data type's name for error messages."""
    return DataType(dtype).name.lower() if dtype in set(DataType) else f"type {dtype}"
