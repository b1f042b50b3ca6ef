"""Spark's settings for the object store come from the same variables, without secrets."""

from headcount_analysis.spark.object_store import is_object_store, settings, spark_url

KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret"}
S3A = "spark.hadoop.fs.s3a"


def test_urls() -> None:
    """Amazon's scheme becomes Hadoop's; any other is unchanged."""
    assert spark_url("s3://bucket/a b/c") == "s3a://bucket/a b/c"
    assert spark_url("hdfs://host/ledgers") == "hdfs://host/ledgers"
    assert is_object_store("s3://bucket")
    assert not any(map(is_object_store, (None, "ledger", "/s3://", "file:///s3")))


def test_a_self_hosted_store() -> None:
    """It has an endpoint, a path for each bucket, and any region for signing."""
    assert settings({**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}) == {
        f"{S3A}.endpoint": "http://127.0.0.1:9000",
        f"{S3A}.path.style.access": "true",
        f"{S3A}.connection.ssl.enabled": "false",
        f"{S3A}.endpoint.region": "us-east-1",
    }
    chosen = settings({"AWS_ENDPOINT_URL": "https://a", "AWS_ENDPOINT_URL_S3": "https://b"})
    assert chosen[f"{S3A}.endpoint"] == "https://b"
    assert chosen[f"{S3A}.connection.ssl.enabled"] == "true"


def test_amazon_s() -> None:
    """The region, if it is set; the SDK determines the rest."""
    assert settings(KEYS) == {}
    assert settings({"AWS_DEFAULT_REGION": "eu-west-1"}) == {f"{S3A}.endpoint.region": "eu-west-1"}


def test_no_secret_is_among_the_settings() -> None:
    """Settings are on a command line, which every user of the machine can read."""
    chosen = settings({**KEYS, "AWS_REGION": "x", "AWS_ENDPOINT_URL": "https://a"})
    assert not any("secret" in text or "a-key" in text for pair in chosen.items() for text in pair)
