"""Page templates: all values are escaped as text, whatever their source."""

import functools
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
