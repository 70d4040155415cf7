"""TensorFlow's operations that reach for files, Python, the network or the process. No served model needs them.

Read from the registries of TensorFlow 2.16 and 2.21: the operations with an input or attribute that names a file, a
folder, an address or a graph. A test reads the registry of the TensorFlow that is installed, and names those that are
new.
"""

_PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless"}

_FILES = {
    "CSVDataset", "CSVDatasetV2", "CacheDataset", "CacheDatasetV2", "CalibrationStatisticsSaver", "DTensorRestoreV2",
    "DatasetToTFRecord", "DumpTensor", "ExperimentalCSVDataset", "ExperimentalDatasetToTFRecord",
    "ExperimentalLMDBDataset", "ExperimentalMatchingFilesDataset", "ExperimentalSqlDataset", "FixedLengthRecordDataset",
    "FixedLengthRecordDatasetV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "GenerateVocabRemapping",
    "ImmutableConst", "InitializeTRTResource", "LMDBDataset", "LMDBReader", "ListSnapshotChunksDataset",
    "LoadAndRemapMatrix", "LoadDataset", "MatchingFiles", "MatchingFilesDataset", "ReadFile", "RecordInput", "Restore",
    "RestoreSlice", "Save", "SaveDataset", "SaveDatasetV2", "SaveSlices", "SerializeTRTResource", "Skipgram",
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
    "FileSystemSetConfiguration", "RegisterDataset", "RegisterDatasetV2", "RemoteCall", "RpcCall", "RpcClient",
    "RpcServer", "RpcServerRegister", "RpcServerStart",
}  # fmt: skip

# A graph in a tensor or an attribute, or a function that is found by another name: nobody has looked into it.
_HIDDEN_GRAPHS = {
    "DatasetFromGraph", "DeserializeIterator", "MlirPassthroughOp", "SymbolicGradient", "TRTEngineOp",
    "_TPUCompileMlir", "_XlaHostComputeMlir",
}  # fmt: skip

# They end the process, run native code by its name, or reach a variable by its name.
_PROCESS = {"Abort", "XlaCustomCall", "XlaCustomCallV2", "_VarHandlesOp"}

FORBIDDEN = frozenset(_PYTHON | _FILES | _LOGS | _NETWORK | _HIDDEN_GRAPHS | _PROCESS)

# Where their value is the handle of a resource, they reach any variable or table by its name.
MAKES_VALUE = frozenset({"Const", "ParseTensor"})

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
