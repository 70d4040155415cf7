"""How parts of files are grouped into shards."""

from components.csv_example_gen.file_parts import FilePart, Shard, explain_whole, group_shards

_GIB = 1 << 30


def test_data_of_any_size_is_one_shard_unless_a_size_is_given() -> None:
    """Several files change the order in which Beam gives the rows, and SkewGate pairs them by their place."""
    blocks = [
        (FilePart(file=file, begin=place * _GIB, end=(place + 1) * _GIB, first=1 + place * 9, size=_GIB), 9)
        for file in ("a.csv.gz", "b.csv")
        for place in range(3)
    ]
    whole = tuple(FilePart(file=file, begin=0, end=3 * _GIB, first=1, size=3 * _GIB) for file in ("a.csv.gz", "b.csv"))
    shards = group_shards(blocks)
    assert shards == [Shard(parts=whole, first_row=0, rows=54)]
    assert explain_whole(shards) == []
    shared = group_shards(blocks, _GIB)
    assert [(shard.first_row, shard.rows) for shard in shared] == [(0, 27), (27, 9), (36, 9), (45, 9)]
    assert explain_whole(shared, _GIB)[0].startswith("a.csv.gz: one worker reads all of it")
