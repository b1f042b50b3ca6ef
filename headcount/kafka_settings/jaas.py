"""The login of Java's clients: `sasl.jaas.config`, read and written.

The format is that of JAAS, Java's authentication service: the name of a login module, the word
`required`, the module's options, each as `name="value"`, and a semicolon.
"""

import re
from collections.abc import Mapping

from headcount.errors import UsageError

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
IAM = "software.amazon.msk.auth.iam.IAMLoginModule"

_ENTRY = re.compile(
    r"\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b(.*?);\s*",
    re.DOTALL | re.IGNORECASE,
)
_OPTION = re.compile(
    r"\s*([\w.\-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^\s;\"']+))"
)
_ESCAPED = re.compile(r"\\([0-3]?[0-7]{1,2}|.)", re.DOTALL)
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
"""What a letter after \\ stands for, as in Java's StreamTokenizer, which parses the setting."""


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Return the login module, and its options. UsageError if there is none."""
    entry = _ENTRY.fullmatch(text)
    if entry is None:
        raise UsageError(
            "sasl.jaas.config must be a login module, `required`, options and a semicolon"
        )
    options, rest = {}, entry[2]
    while rest.strip():
        option = _OPTION.match(rest)
        if option is None:
            raise UsageError('sasl.jaas.config: write options as name="value"')
        quoted = option[2] if option[2] is not None else option[3]
        value = option[4] if quoted is None else _ESCAPED.sub(_unescaped, quoted)
        options[option[1]] = value
        rest = rest[option.end() :]
    return entry[1], options


def write(module: str, options: Mapping[str, str]) -> str:
    """Write an entry, with every value quoted."""
    written = (f' {name}="{_quoted(value)}"' for name, value in options.items())
    return f"{module} required{''.join(written)};"


def _unescaped(match: re.Match[str]) -> str:
    escaped = match[1]
    is_octal = escaped.isascii() and escaped.isdigit() and escaped < "8"
    return chr(int(escaped, 8)) if is_octal else _NAMED.get(escaped, escaped)


def _quoted(value: str) -> str:
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    # A line's end would end the value.
    return value.replace("\n", "\\n").replace("\r", "\\r")
