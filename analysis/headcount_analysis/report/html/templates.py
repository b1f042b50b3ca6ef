"""Page templates: all values are escaped as text, whatever their source."""

import base64
import functools
import hashlib
from pathlib import Path

import jinja2


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
    return environment.get_template(path.name)


def hash_of(script: str) -> str:
    """Return the script's hash in the form that a Content-Security-Policy uses."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
