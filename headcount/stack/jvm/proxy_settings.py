"""The proxy: makes a JVM use the proxy that Python and curl use."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from headcount.errors import UsageError

DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_options(environ: Mapping[str, str]) -> list[str]:
    """Return the JVM options for HTTP_PROXY, HTTPS_PROXY and NO_PROXY, uppercase or lowercase.

    They may hold a password: pass them in a file that only the user can read, never on a command
    line.

    Raises:
        UsageError: A value is not the URL of an HTTP proxy.
    """
    options: list[str] = []
    for scheme in ("http", "https"):
        variable = f"{scheme}_proxy"
        url = environ.get(variable) or environ.get(variable.upper())
        if url:
            options += _options(scheme, url, variable.upper())
    if options:
        # By default Java disables basic authentication to a proxy for HTTPS.
        options.append("-Djdk.http.auth.tunneling.disabledSchemes=")
        no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        options += [f"-Dhttp.nonProxyHosts={'|'.join(_patterns(no_proxy))}"] if no_proxy else []
    return options


def _options(scheme: str, url: str, variable: str) -> list[str]:
    # The value may hold a password, so the message names the variable only.
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{variable} is not a URL: write http://host:port") from error
    if not host or parts.scheme not in DEFAULT_PORTS:
        raise UsageError(f"{variable} does not name an HTTP proxy: write http://host:port")
    options = [
        f"-D{scheme}.proxyHost={host}",
        f"-D{scheme}.proxyPort={port or DEFAULT_PORTS[parts.scheme]}",
    ]
    if parts.username:
        # Ivy reads only these two names, for both schemes.
        options.append(f"-Dhttp.proxyUser={unquote(parts.username)}")
        options.append(f"-Dhttp.proxyPassword={unquote(parts.password or '')}")
    return options


def _patterns(no_proxy: str) -> Iterator[str]:
    """Convert NO_PROXY to Java's patterns; `example.org` also covers its subdomains."""
    for entry in no_proxy.replace(" ", ",").split(","):
        host = entry.partition(":")[0].lstrip("*").lstrip(".")
        if host:
            yield from (host, f"*.{host}")
        elif entry.strip() == "*":
            yield "*"
