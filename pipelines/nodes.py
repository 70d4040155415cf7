"""Node ids and split names, as the wiring, the runner, the records of runs and the report use them."""

EXAMPLE_GEN = "ExampleGen"  # reads rows from files, or collects them from spans
SPANS_RESOLVER = "SpansResolver"  # finds the chosen accepted spans
IMPORT_SCHEMA_GEN = "ImportSchemaGen"  # imports the contract
STATISTICS_GEN = "StatisticsGen"
SCHEMA_GEN = "SchemaGen"  # infers a schema, which is compared with the contract
EXAMPLE_VALIDATOR = "ExampleValidator"
ACCEPTED_STATISTICS_RESOLVER = "AcceptedStatisticsResolver"  # finds the statistics that AnomalyGate accepted last
ANOMALY_GATE = "AnomalyGate"
ROW_TIMES = "RowTimes"  # finds rows of an ingested span whose time is outside of it
TRANSFORM = "Transform"
TUNER = "Tuner"
IMPORT_HYPERPARAMETERS = "ImportHyperparameters"
WARM_START_RESOLVER = "WarmStartResolver"
TRAINER = "Trainer"
BLESSED_MODEL_RESOLVER = "BlessedModelResolver"  # finds the models that were pushed last
EVALUATOR = "Evaluator"
BETTER_GATE = "BetterGate"  # compares the model with those pushed before; only if scoping.toml has a comparison
INFRA_VALIDATOR = "InfraValidator"
SKEW_GATE = "SkewGate"
PUSHER = "Pusher"

GATES = (ANOMALY_GATE, EVALUATOR, SKEW_GATE)

TRAIN, EVAL = "train", "eval"
