"""Name the types and properties of spans in ML Metadata, without importing TFX, which takes seconds."""

# TFX's types, and the properties that its ExampleGen gives Examples.
EXAMPLES_TYPE, STATISTICS_TYPE = "Examples", "ExampleStatistics"
SPAN, VERSION, FINGERPRINT = "span", "version", "input_fingerprint"
# Custom property of Examples that are a span: the span's name for people.
SPAN_NAME = "span_name"
# Custom property of Examples that hold several spans: JSON, a list of objects with span, version, rows and fingerprint.
SPANS = "spans"
# DataBlessing (components/artifacts.py): its type, the URI of the accepted ExampleStatistics, and the digest of the
# code that judged and of what else the judgement depends on.
BLESSING_TYPE, STATISTICS_URI, JUDGED_BY = "DataBlessing", "statistics_uri", "judged_by"
