"""The proxy: hands the proxy that Python and curl use on to a JVM."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from headcount.errors import UsageError

DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_options(environ: Mapping[str, str]) -> list[str]:
    """Return the JVM options for HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capitals or not.

    They may hold a password: pass them in a file of the user's, never on a command line.

    Raises:
        UsageError: The value is no URL of an HTTP proxy.
    """
    options: list[str] = []
    for scheme in ("http", "https"):
        variable = f"{scheme}_proxy"
        url = environ.get(variable) or environ.get(variable.upper())
        if url:
            options += _options(scheme, url, variable.upper())
    if options:
        # Java refuses a proxy's basic authentication for HTTPS unless it is told not to.
        options.append("-Djdk.http.auth.tunneling.disabledSchemes=")
        none = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        options += [f"-Dhttp.nonProxyHosts={'|'.join(_patterns(none))}"] if none else []
    return options


def _options(scheme: str, url: str, variable: str) -> list[str]:
    # The value may hold a password, so the message names the variable only.
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{variable} is no URL: write http://host:port") from error
    if not host or parts.scheme not in DEFAULT_PORTS:
        raise UsageError(f"{variable} names no HTTP proxy: write http://host:port")
    options = [
        f"-D{scheme}.proxyHost={host}",
        f"-D{scheme}.proxyPort={port or DEFAULT_PORTS[parts.scheme]}",
    ]
    if parts.username:
        # The one pair of names that Ivy reads, for both schemes.
        options.append(f"-Dhttp.proxyUser={unquote(parts.username)}")
        options.append(f"-Dhttp.proxyPassword={unquote(parts.password or '')}")
    return options


def _patterns(no_proxy: str) -> Iterator[str]:
    """The hosts of NO_PROXY as Java writes them: `example.org` also stands for its subdomains."""
    for entry in no_proxy.replace(" ", ",").split(","):
        host = entry.partition(":")[0].lstrip("*").lstrip(".")
        if host:
            yield from (host, f"*.{host}")
        elif entry.strip() == "*":
            yield "*"
