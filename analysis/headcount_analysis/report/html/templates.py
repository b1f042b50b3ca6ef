"""Page templates: all values are escaped as text, whatever their source."""

import functools
import re
from pathlib import Path

import jinja2
from markupsafe import Markup

_CODE = re.compile(r"`([^`]+)`")
_WORD = re.compile(r"[a-z]+[ ,;:]")


@functools.cache
def template(path: Path) -> jinja2.Template:
    """Load a template that escapes everything except `Markup`; an undefined name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    environment.filters["sentence"] = sentence
    environment.filters["breakable"] = breakable
    return environment.get_template(path.name)


def coded(text: str) -> Markup:
    """Show what is between two backticks, such as the name of a field, as code."""
    parts = _CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def breakable(path: str) -> Markup:
    """Let a browser break the line of a path before each slash, rather than within a word."""
    return Markup("<wbr>/").join(path.split("/"))


def sentence(text: str) -> str:
    """Begin a text with a capital letter, unless it begins with a name such as `join_guild`."""
    return text[:1].upper() + text[1:] if _WORD.match(text) else text
