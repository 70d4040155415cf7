"""Propose a contract as `make new-task` does, and find TFDV's anomalies in two splits of the rows."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from pipelines.scaffold.plan import make_plan, template_values
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.rendering import render
from pipelines.scaffold.source import read_source


def propose_schema(file: Path, label: str) -> schema_pb2.Schema:
    """Propose the contract of a CSV file, as the template writes it."""
    source = read_source(file)
    question = choose_problem(label, source.table[label], source.kinds[label])
    values = template_values(make_plan("made_up", source, question), sha256="", outside=None)
    return text_format.Parse(render("data/contract.pbtxt.jinja", values), schema_pb2.Schema())


def find_anomalies(train: pd.DataFrame, evaluation: pd.DataFrame, schema: schema_pb2.Schema) -> set[tuple[str, str]]:
    """Find (column, kind of anomaly) in each split, and between them; the columns are texts."""
    statistics = [compute_statistics(rows, schema) for rows in (train, evaluation)]
    found = [tfdv.validate_statistics(one, schema, environment="TRAINING") for one in statistics]
    found.append(tfdv.validate_statistics(statistics[0], schema, serving_statistics=statistics[1]))
    kinds = anomalies_pb2.AnomalyInfo.Type
    return {
        (name, kinds.Name(reason.type))
        for anomalies in found
        for name, info in [*anomalies.anomaly_info.items(), ("(rows)", anomalies.dataset_anomaly_info)]
        for reason in info.reason
    }


def compute_statistics(rows: pd.DataFrame, schema: schema_pb2.Schema) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Compute TFDV's statistics of columns of text; None is missing."""
    arrays = [
        pa.array([None if cell is None else [cell.encode()] for cell in rows[name]], pa.large_list(pa.binary()))
        for name in rows
    ]
    batch = pa.RecordBatch.from_arrays(arrays, list(rows))
    return generate_statistics_in_memory(batch, tfdv.StatsOptions(schema=schema))
