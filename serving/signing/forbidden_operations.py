"""TensorFlow's operations that access files, Python, the network or the process. No served model needs them.

The list is from the registries of TensorFlow 2.16 and 2.21: operations with an input or attribute that names a file, a
folder, an address or a graph. A test reads the registry of the installed TensorFlow, and names new ones.
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

# Summary writers write event files or a database; the debugger's operations write to any address.
_LOGS = {
    "CreateSummaryDbWriter", "CreateSummaryFileWriter", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3",
    "DebugNanCount", "DebugNumericSummary",
}  # fmt: skip

_NETWORK = {
    "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3", "DataServiceDatasetV4", "DistributedSave",
    "FileSystemSetConfiguration", "RegisterDataset", "RegisterDatasetV2", "RemoteCall", "RpcCall", "RpcClient",
    "RpcServer", "RpcServerRegister", "RpcServerStart",
}  # fmt: skip

# Graphs in a tensor or an attribute, or functions under another name: these are not checked.
_HIDDEN_GRAPHS = {
    "DatasetFromGraph", "DeserializeIterator", "MlirPassthroughOp", "SymbolicGradient", "TRTEngineOp",
    "_TPUCompileMlir", "_XlaHostComputeMlir",
}  # fmt: skip

# These end the process, run native code by name, or access a variable by name.
_PROCESS = {"Abort", "XlaCustomCall", "XlaCustomCallV2", "_VarHandlesOp"}

FORBIDDEN = frozenset(_PYTHON | _FILES | _LOGS | _NETWORK | _HIDDEN_GRAPHS | _PROCESS)

# If their value is a resource's handle, they access any variable or table by name.
MAKES_VALUE = frozenset({"Const", "ParseTensor"})

# (operation, attribute) -> prefixes of harmless values; an empty value is harmless, too.
HARMLESS_ATTRIBUTES = {
    ("PrintV2", "output_stream"): (b"stderr", b"stdout", b"log("),
    ("FixedUnigramCandidateSampler", "vocab_file"): (),
    ("DecodeProtoV2", "descriptor_source"): (b"local://", b"bytes://"),
    ("EncodeProto", "descriptor_source"): (b"local://", b"bytes://"),
}  # fmt: skip

# TensorFlow's saver adds these to every SavedModel. They read and write checkpoints of any name.
READS_CHECKPOINT = frozenset({"RestoreV2"})
WRITES_CHECKPOINT = frozenset({"MergeV2Checkpoints", "SaveV2"})
# These read a text file, which must be one of the version's assets.
READS_ASSET = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})
