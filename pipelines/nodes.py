"""Node ids and split names: what the wiring, the runner, the records of runs and the report call them."""

EXAMPLE_GEN = "ExampleGen"  # the rows: read from files, or gathered from spans
SPANS_RESOLVER = "SpansResolver"  # the accepted spans that are chosen
IMPORT_SCHEMA_GEN = "ImportSchemaGen"  # the curated contract
STATISTICS_GEN = "StatisticsGen"
SCHEMA_GEN = "SchemaGen"  # a proposal, compared with the contract
EXAMPLE_VALIDATOR = "ExampleValidator"
ACCEPTED_STATISTICS_RESOLVER = "AcceptedStatisticsResolver"  # statistics of the rows that AnomalyGate accepted last
ANOMALY_GATE = "AnomalyGate"
ROW_TIMES = "RowTimes"  # of an ingested span: which rows are of another time
TRANSFORM = "Transform"
TUNER = "Tuner"
IMPORT_HYPERPARAMETERS = "ImportHyperparameters"
WARM_START_RESOLVER = "WarmStartResolver"
TRAINER = "Trainer"
BLESSED_MODEL_RESOLVER = "BlessedModelResolver"  # the models that were blessed and pushed last
EVALUATOR = "Evaluator"
BETTER_GATE = "BetterGate"  # the model against those pushed before; only where scoping.toml agrees on it
INFRA_VALIDATOR = "InfraValidator"
SKEW_GATE = "SkewGate"
PUSHER = "Pusher"

GATES = (ANOMALY_GATE, EVALUATOR, SKEW_GATE)

TRAIN, EVAL = "train", "eval"
