"""What ML Metadata calls what a span has, TFX's own names included. Loads no TFX: spans are found in no time."""

# TFX's types, and the properties that its ExampleGen gives Examples.
EXAMPLES_TYPE, STATISTICS_TYPE = "Examples", "ExampleStatistics"
SPAN, VERSION, FINGERPRINT = "span", "version", "input_fingerprint"
# Custom property of Examples that are a span: what people call it.
SPAN_NAME = "span_name"
# Custom property of Examples that hold several spans: JSON, a list of objects with span, version, rows and fingerprint.
SPANS = "spans"
# Of DataBlessing (components/artifacts.py): its type, the URI of the accepted ExampleStatistics, and the digest of the
# code that judged, and of what else the caller had it judge by.
BLESSING_TYPE, STATISTICS_URI, JUDGED_BY = "DataBlessing", "statistics_uri", "judged_by"
