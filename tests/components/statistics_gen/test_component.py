from tfx.types import Channel, standard_artifacts

from components.source_digest import source_digest
from components.statistics_gen import executor
from components.statistics_gen.component import BatchedStatisticsGen


def test_its_code_is_part_of_the_cache_key() -> None:
    node = BatchedStatisticsGen(examples=Channel(type=standard_artifacts.Examples))
    assert node.exec_properties["code_digest"] == source_digest(executor)
    assert node.executor_spec.executor_class is executor.Executor
