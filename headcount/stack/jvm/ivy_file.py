"""Ivy's dependency file: either the roots of each set, or exactly the locked jars."""

from collections.abc import Iterable, Iterator, Mapping
from xml.sax.saxutils import quoteattr

from headcount.stack.jvm.jars_lock import BROKER, CONNECTOR, OBJECT_STORE, Jar

# The lock is resolved from these. The broker logs through slf4j 1, which needs the log4j binding.
# The Hadoop version is the one that pyspark ships, and the AWS SDK version the one that this Hadoop
# was built with.
ROOTS: Mapping[str, tuple[str, ...]] = {
    BROKER: (
        "org.apache.kafka:kafka_2.13:4.4.0",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5",
    ),
    CONNECTOR: ("org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",),
    OBJECT_STORE: (
        "org.apache.hadoop:hadoop-aws:3.5.0",
        "software.amazon.awssdk:s3:2.35.4",
        "software.amazon.awssdk:s3-transfer-manager:2.35.4",
        "software.amazon.awssdk:sts:2.35.4",
    ),
}

# Dependencies that pyspark ships: a second copy on Spark's class path could have another version.
SHIPPED_BY_PYSPARK = (
    "at.yawk.lz4:lz4-java",
    "com.google.code.findbugs:jsr305",
    "commons-codec:commons-codec",
    "io.netty:netty-buffer",
    "io.netty:netty-codec",
    "io.netty:netty-codec-http",
    "io.netty:netty-codec-http2",
    "io.netty:netty-common",
    "io.netty:netty-handler",
    "io.netty:netty-resolver",
    "io.netty:netty-transport",
    "io.netty:netty-transport-classes-epoll",
    "io.netty:netty-transport-native-unix-common",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.httpcomponents:httpclient",
    "org.apache.httpcomponents:httpcore",
    "org.apache.spark:spark-tags_2.13",
    "org.scala-lang.modules:scala-parallel-collections_2.13",
    "org.scala-lang:scala-library",
    "org.slf4j:slf4j-api",
    "org.xerial.snappy:snappy-java",
)

# Not needed for an object store: the AWS SDK as one 690 MB jar (the roots name the parts in use),
# OpenSSL instead of Java's own TLS, and commons-logging, which pyspark's jcl-over-slf4j replaces.
LEFT_OUT = (
    "commons-logging:commons-logging",
    "org.wildfly.openssl:wildfly-openssl",
    "software.amazon.awssdk:bundle",
)


def ivy_file(dependencies: Iterable[str]) -> str:
    """Build an Ivy file with a configuration per set and the `<dependency>` elements."""
    return f"""\
<ivy-module version="2.0">
  <info organisation="headcount" module="stack"/>
  <configurations>{"".join(f'<conf name="{name}"/>' for name in ROOTS)}</configurations>
  <dependencies>
{"".join(dependencies)}\
  </dependencies>
</ivy-module>
"""


def exact(jars: Iterable[Jar]) -> Iterator[str]:
    """Yield one dependency per locked jar: Ivy resolves nothing and reads no POM."""
    for jar in jars:
        yield (
            f"    <dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} "
            f'rev={quoteattr(jar.version)} transitive="false" conf="{jar.set_name}->default">'
            f'<artifact name={quoteattr(jar.artifact)} type="jar"/></dependency>\n'
        )


def roots() -> Iterator[str]:
    """Yield the roots with their transitive dependencies, except those that pyspark ships."""
    for set_name, roots in ROOTS.items():
        for root in roots:
            group, artifact, version = root.split(":")
            yield (
                f'    <dependency org="{group}" name="{artifact}" rev="{version}" '
                f'conf="{set_name}->default"/>\n'
            )
    for module in (*SHIPPED_BY_PYSPARK, *LEFT_OUT):
        group, artifact = module.split(":")
        conf = f"{CONNECTOR},{OBJECT_STORE}"
        yield f'    <exclude org="{group}" module="{artifact}" conf="{conf}"/>\n'
