"""Java's client connects with the same settings as the others."""

import pytest
from headcount_analysis.read import topic_range
from headcount_analysis.read.topic_range import OffsetRange
from pyspark.sql import SparkSession

from headcount.kafka_settings.java import ALLOWED_URLS
from tests.secured.broker import LISTENERS, SecuredBroker
from tests.secured.conftest import TOPIC
from tests.secured.test_clients import write

pytestmark = pytest.mark.e2e


@pytest.mark.slow
def test_java_reads_it_too(secured: SecuredBroker, spark: SparkSession) -> None:
    """Spark's connector, on each listener."""
    assert spark.sparkContext._jvm is not None  # noqa: SLF001 - pyspark's way to the JVM
    system = spark.sparkContext._jvm.java.lang.System  # noqa: SLF001
    system.setProperty(ALLOWED_URLS, secured.tokens.token_url)
    for listener in LISTENERS:
        cluster = secured.cluster(listener)
        partition, offset = write(cluster, listener.encode())
        offsets = OffsetRange(TOPIC, {partition: offset}, {partition: offset + 1})
        (row,) = topic_range.read(spark, cluster, offsets).collect()
        assert bytes(row.value) == listener.encode()
