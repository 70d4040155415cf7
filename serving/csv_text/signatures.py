"""Recognize files that are not text in UTF-8 by their first bytes, and say what to do."""

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
HEAD_BYTES = 1 << 16  # enough of a file to recognize its line ends
_FEW = 256  # bytes; in UTF-16 without a mark, every other byte is 0 in most languages
_SAVE_AS_CSV = "In the spreadsheet choose `Save as`, `CSV UTF-8`"
_RECODE = "Save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"

# First bytes, as in file(1); the file's type; what to do.
_SIGNATURES = (
    (GZIP, "gzip data", "Name it .csv.gz, or unpack it"),
    (PARQUET, "a Parquet file", "Name it .parquet"),
    (b"PK\x03\x04", "a ZIP archive, such as an Excel workbook (.xlsx)", f"{_SAVE_AS_CSV}, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _SAVE_AS_CSV),
    (b"\xff\xfe", "text in UTF-16", _RECODE),
    (b"\xfe\xff", "text in UTF-16", _RECODE),
    (b"BZh", "bzip2 data", "Unpack it"),
    (b"\xfd7zXZ", "xz data", "Unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "Unpack it"),
)


def find_fault(head: bytes) -> str | None:
    """Describe a file that is not text in UTF-8 with lines, and what to do; return None if it may be.

    Args:
        head: the file's first HEAD_BYTES bytes.

    Returns:
        The fault and the remedy.
    """
    for first, what, remedy in _SIGNATURES:
        if head.startswith(first):
            return f"expected text in UTF-8, received {what}. {remedy}."
    if head[:_FEW].count(0) * 4 > len(head[:_FEW]):
        return f"expected text in UTF-8, received text in UTF-16. {_RECODE}."
    if b"\r" in head and b"\n" not in head:
        return (
            "the lines end in CR alone, as old Macintosh programs write them. Expected LF or CR LF. Save the file "
            "again, or convert it with `tr '\\r' '\\n'`."
        )
    return None
