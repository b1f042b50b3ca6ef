"""Resource attributes: which run, scenario and version the metrics belong to. Pure."""

from collections.abc import Mapping
from urllib.parse import unquote

from headcount.run.manifest import Manifest

SERVICE = "headcount"
ATTRIBUTES_VARIABLE = "OTEL_RESOURCE_ATTRIBUTES"
SERVICE_VARIABLE = "OTEL_SERVICE_NAME"


def resource_attributes(manifest: Manifest, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a run; OpenTelemetry's variables add to them or replace them."""
    attributes = {
        "service.name": SERVICE,
        "service.version": manifest.headcount_version,
        "service.instance.id": manifest.run_id,
        "headcount.run.id": manifest.run_id,
        "headcount.scenario": manifest.scenario,
        **_parsed(environ.get(ATTRIBUTES_VARIABLE, "")),
    }
    if name := environ.get(SERVICE_VARIABLE):
        attributes["service.name"] = name
    return attributes


def _parsed(text: str) -> dict[str, str]:
    """Parse `key=value,key=value`; values are percent-encoded, and items without `=` skipped."""
    pairs = (item.partition("=") for item in text.split(","))
    return {key.strip(): unquote(value.strip()) for key, sign, value in pairs if sign}
