"""TensorFlow's operations that reach for files, Python or the network. No served model needs them.

Read from the registry of TensorFlow 2.16: the operations with an input or attribute that names a file, a folder, an
address or a graph. A new TensorFlow may bring others: look through what it registers.
"""

_PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless"}

_FILES = {
    "CSVDataset", "CSVDatasetV2", "CacheDataset", "CacheDatasetV2", "DatasetToTFRecord", "ExperimentalCSVDataset",
    "ExperimentalDatasetToTFRecord", "ExperimentalLMDBDataset", "ExperimentalMatchingFilesDataset",
    "ExperimentalSqlDataset", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "FixedLengthRecordReader",
    "FixedLengthRecordReaderV2", "GenerateVocabRemapping", "ImmutableConst", "LMDBDataset", "LMDBReader",
    "ListSnapshotChunksDataset", "LoadAndRemapMatrix", "LoadDataset", "MatchingFiles", "MatchingFilesDataset",
    "ReadFile", "RecordInput", "Restore", "RestoreSlice", "Save", "SaveDataset", "SaveDatasetV2", "SaveSlices",
    "SnapshotChunkDataset", "SnapshotDataset", "SnapshotDatasetReader", "SnapshotDatasetV2", "SqlDataset",
    "TFRecordDataset", "TFRecordDatasetV2", "TFRecordReader", "TFRecordReaderV2", "TextLineDataset", "TextLineReader",
    "TextLineReaderV2", "WholeFileReader", "WholeFileReaderV2", "WriteFile",
}  # fmt: skip

# Summary writers write event files or a data base; the debugger's operations write to any address they are given.
_LOGS = {
    "CreateSummaryDbWriter", "CreateSummaryFileWriter", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3",
    "DebugNanCount", "DebugNumericSummary",
}  # fmt: skip

_NETWORK = {
    "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4", "DistributedSave",
    "FileSystemSetConfiguration", "RegisterDataset", "RegisterDatasetV2", "RemoteCall",
}  # fmt: skip

# A graph in a tensor or an attribute, which nobody has looked into.
_HIDDEN_GRAPHS = {"DatasetFromGraph"}

FORBIDDEN = frozenset(_PYTHON | _FILES | _LOGS | _NETWORK | _HIDDEN_GRAPHS)

# (operation, attribute) -> beginnings of harmless values; an empty value is harmless, too.
HARMLESS_ATTRIBUTES = {
    ("PrintV2", "output_stream"): (b"stderr", b"stdout", b"log("),
    ("FixedUnigramCandidateSampler", "vocab_file"): (),
    ("DecodeProtoV2", "descriptor_source"): (b"local://", b"bytes://"),
    ("EncodeProto", "descriptor_source"): (b"local://", b"bytes://"),
}  # fmt: skip

# What TensorFlow's saver adds to every SavedModel. They read and write checkpoints of any name.
READS_CHECKPOINT = frozenset({"RestoreV2"})
WRITES_CHECKPOINT = frozenset({"MergeV2Checkpoints", "SaveV2"})
# Reads a text file, which must be one of the version's assets.
READS_ASSET = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})
