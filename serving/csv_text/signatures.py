"""First bytes of what is no text in UTF-8, and what to do about it."""

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
HEAD_BYTES = 1 << 16  # of a file: enough to see how its lines end
_FEW = 256  # bytes: of text in UTF-16 without a mark every other one is 0, in most languages
_SAVE_AS_CSV = "In the spreadsheet choose `Save as`, `CSV UTF-8`"
_RECODE = "Save it as UTF-8, such as with `iconv -f UTF-16 -t UTF-8`"

# First bytes, as file(1) knows them; what begins so; what to do.
_SIGNATURES = (
    (GZIP, "gzip data", "Name it .csv.gz, or unpack it"),
    (PARQUET, "a Parquet file", "Name it .parquet"),
    (b"PK\x03\x04", "a ZIP archive, which is what an Excel workbook (.xlsx) is, too", f"{_SAVE_AS_CSV}, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _SAVE_AS_CSV),
    (b"\xff\xfe", "text in UTF-16", _RECODE),
    (b"\xfe\xff", "text in UTF-16", _RECODE),
    (b"BZh", "bzip2 data", "Unpack it"),
    (b"\xfd7zXZ", "xz data", "Unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "Unpack it"),
)


def find_fault(head: bytes) -> str | None:
    """Say what a file holds instead of text in UTF-8 with lines, and what to do; None where nothing speaks against it.

    Args:
        head: its first HEAD_BYTES bytes.
    """
    for first, what, remedy in _SIGNATURES:
        if head.startswith(first):
            return f"expected text in UTF-8, received {what}. {remedy}."
    if head[:_FEW].count(0) * 4 > len(head[:_FEW]):
        return f"expected text in UTF-8, received text in UTF-16. {_RECODE}."
    if b"\r" in head and b"\n" not in head:
        return (
            "the lines end in CR alone, as old Macintosh programs write them. Expected LF or CR LF. Save it "
            "anew, or `tr '\\r' '\\n'` it into another file."
        )
    return None
