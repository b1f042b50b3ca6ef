"""The registry: what its failures mean, how it is logged in to, and that it is asked once."""

import base64
import json
import pickle
import ssl
import tempfile
from pathlib import Path

import pytest
import trustme
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.formats.schema_registry import schema_registry

from headcount.errors import EvidenceError, UsageError
from headcount.kafka_settings import config_file
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.run.message_format import FormatSettings
from headcount.stack.ports import free_port
from tests.analysis.formats.records import record
from tests.analysis.formats.schemas import add_field, avro, record_of
from tests.analysis.formats.stub_registry import stub_registry

SCHEMA = record_of(quantity="int")
VALUE = b"\x00\x00\x00\x00\x07" + avro(SCHEMA, {"quantity": 3})
PASSWORD = "hunter2"  # noqa: S105 - of a test
FRAMED = ("avro", "protobuf", "json-schema")


def format_with(settings: RegistrySettings, name: str = "avro") -> MessageFormat:
    """Make a format that asks this registry."""
    return format_of(FormatSettings(name), settings)


def loaded(text: str, folder: Path) -> RegistrySettings:
    """Load settings from a file."""
    path = folder / "client.properties"
    path.touch(mode=0o600)
    path.write_text(text)
    return config_file.load_registry(path)


@pytest.mark.parametrize("name", FRAMED)
def test_a_format_with_schemas_needs_a_registry(name: str) -> None:
    """The error names the option that is missing."""
    with pytest.raises(UsageError, match=f"--format {name} needs --schema-registry URL"):
        format_of(FormatSettings(name))


@pytest.mark.parametrize("name", FRAMED)
def test_a_registry_that_does_not_answer_is_no_defect(name: str) -> None:
    """Nothing listens: the run cannot be judged, and one line says where."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(EvidenceError, match=f"cannot query the schema registry {url}: .*refuse"):
        format_with(RegistrySettings(url=url), name).decode(record(b"\x00\x00\x00\x00\x07\x00"))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {"error_code": 40101, "message": "no"}, "answers 401; it requires a login"),
        (403, b"", "answers 403; the login is not allowed to read"),
        (404, b"<html>", "answers 404; not found: check the path"),
        (404, {"error_code": 404, "message": "HTTP 404"}, "answers 404; not found"),
        (503, {"error_code": 50302, "message": "no"}, "answers 503; see the registry's log"),
        (200, b"<html>", "its response is not that of a schema registry"),
        (200, [], "its response is not that of a schema registry"),
    ],
)
def test_an_answer_without_a_schema_is_no_defect(status: int, body: object, reason: str) -> None:
    """Only the registry's own word that it lacks a schema counts against a message."""
    with stub_registry() as stub:
        stub.answers["/schemas/ids/7"] = status, body
        with pytest.raises(EvidenceError, match=reason):
            format_with(RegistrySettings(url=stub.url)).decode(record(VALUE))


def test_a_schema_that_the_registry_lacks_is_a_defect_with_its_number() -> None:
    """The message is malformed, and the registry is asked only once."""
    with stub_registry() as stub:
        avro_format = format_with(RegistrySettings(url=stub.url))
        for _ in range(3):
            parsed = avro_format.decode(record(VALUE))
            assert (parsed.event, parsed.defect) == (None, "not in the registry, schema 7")
        assert len(stub.paths) == 1


def test_a_schema_is_asked_for_once_in_a_process() -> None:
    """Each task of an executor unpickles the format; the registry does not notice."""
    with stub_registry() as stub:
        stub.has(7, json.dumps(SCHEMA))
        avro_format = format_with(RegistrySettings(url=stub.url))
        for _ in range(3):
            avro_format = pickle.loads(pickle.dumps(avro_format))  # noqa: S301 - our own
            assert avro_format.decode(record(VALUE)).event == {"quantity": 3}
        assert len(stub.paths) == 1


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("avro", "AVRO", "{}"),
        ("avro", "AVRO", '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "X"}]}'),
        ("json-schema", "JSON", '{"type": 3}'),
        ("json-schema", "JSON", "{"),
        ("json-schema", "JSON", '{"$ref": "http://127.0.0.1/never-fetched"}'),
        ("protobuf", "PROTOBUF", "message {"),
    ],
)
def test_a_schema_that_cannot_be_used_is_no_defect(name: str, kind: str, text: str) -> None:
    """The error names the schema and the registry; nothing is lost for that."""
    with stub_registry() as stub:
        stub.has(7, text, kind)
        value = b"\x00\x00\x00\x00\x07" + (b"\x00" if kind == "PROTOBUF" else b"{}")
        with pytest.raises(EvidenceError, match=f"schema 7 of .*{stub.url} cannot be used: ."):
            format_with(RegistrySettings(url=stub.url), name).decode(record(value))


@pytest.mark.parametrize("code", [40401, 40402])
def test_an_imported_schema_that_the_registry_lacks_is_no_defect(code: int) -> None:
    """Whether it lacks the subject or the version, the error names both."""
    with stub_registry() as stub:
        reference = {"name": "shop.Price", "subject": "price", "version": 2}
        document = {"schema": json.dumps(SCHEMA), "schemaType": "AVRO", "references": [reference]}
        stub.answers["/schemas/ids/7"] = 200, document
        stub.missing_code = code
        with pytest.raises(EvidenceError, match=r"it lacks version 2 of price, which is imported"):
            format_with(RegistrySettings(url=stub.url)).decode(record(VALUE))


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        (None, "tombstone (no value)"),
        (b"", "empty"),
        (b"\x00\x00", "not framed for a schema registry"),
        (b"\x03abc", "not framed for a schema registry"),
        (b'{"quantity": 3}', "JSON, not framed for a schema registry"),
    ],
)
def test_a_value_without_a_frame_has_a_defect(value: bytes | None, defect: str) -> None:
    """The registry is not even asked."""
    parsed = format_with(RegistrySettings(url="http://127.0.0.1:1")).decode(record(value))
    assert (parsed.event, parsed.defect) == (None, defect)


def test_a_schema_of_another_kind_is_a_defect() -> None:
    """`--format` says what the topic should have."""
    with stub_registry() as stub:
        stub.has(7, "{}", "JSON")
        parsed = format_with(RegistrySettings(url=stub.url)).decode(record(VALUE))
        assert parsed.defect == "its schema is JSON, not AVRO, schema 7"


def test_a_header_may_name_the_schema_instead() -> None:
    """Newer clients write its UUID into a header, and no frame."""
    name = "0190b2a4-7c3e-7f00-8123-456789abcdef"
    header = "__value_schema_id", b"\x01" + bytes.fromhex(name.replace("-", ""))
    with stub_registry() as stub:
        document = {"schema": json.dumps(SCHEMA), "id": 7, "guid": name}
        stub.answers[f"/schemas/guids/{name}"] = 200, document
        avro_format = format_with(RegistrySettings(url=stub.url))
        assert avro_format.decode(record(VALUE[5:], header)).event == {"quantity": 3}
        broken = record(VALUE[5:], ("__value_schema_id", b"\x01short"))
        assert avro_format.decode(broken).defect == "not framed for a schema registry"


def test_a_registry_may_have_text_and_descriptor_of_a_protobuf_schema() -> None:
    """Confluent's gives the descriptor in the form `serialized`, also of what is imported."""
    item = FileDescriptorProto(name="", package="shop", syntax="proto3")
    add_field(item.message_type.add(name="Item"), "name", 1, FieldDescriptorProto.TYPE_STRING)
    order = FileDescriptorProto(name="default", package="shop", syntax="proto3")
    order.dependency.append("shop/item.proto")
    message = order.message_type.add(name="Order")
    add_field(message, "item", 1, FieldDescriptorProto.TYPE_MESSAGE, ".shop.Item")
    imported = {"references": [{"name": "shop/item.proto", "subject": "item", "version": 1}]}
    with stub_registry() as stub:
        for suffix, file in (("", None), ("?format=serialized", order)):
            document = {"schema": written(file), "schemaType": "PROTOBUF", "id": 7, **imported}
            stub.answers[f"/schemas/ids/7{suffix}"] = 200, document
        for suffix, file in (("", None), ("&format=serialized", item)):
            document = {"schema": written(file), "schemaType": "PROTOBUF", "id": 8, "version": 1}
            path = f"/subjects/item/versions/1?deleted=false{suffix}"
            stub.answers[path] = 200, document | {"subject": "item"}
        protobuf = format_with(RegistrySettings(url=stub.url), "protobuf")
        value = b"\x00\x00\x00\x00\x07\x00" + b"\x0a\x07\x0a\x05sword"
        assert protobuf.decode(record(value)).event == {"item": {"name": "sword"}}


def written(file: FileDescriptorProto | None) -> str:
    """Return a descriptor as a registry gives it; of None, text that must not be compiled."""
    return "message {" if file is None else base64.b64encode(file.SerializeToString()).decode()


def test_an_object_within_the_message_is_compared() -> None:
    """`--compare-at` works in every format."""
    schema = record_of(data={"type": "record", "name": "Data", "fields": SCHEMA["fields"]})
    with stub_registry() as stub:
        stub.has(7, json.dumps(schema))
        settings = FormatSettings("avro", "/data", stub.url)
        parsed = format_of(settings).decode(record(VALUE))
        assert (parsed.event, parsed.root) == ({"quantity": 3}, {"data": {"quantity": 3}})


@pytest.mark.parametrize(
    ("text", "login"),
    [
        (
            "schema.registry.basic.auth.user.info=me:hunter2\n",
            "Basic " + base64.b64encode(b"me:hunter2").decode(),
        ),
        ("bearer.auth.token=hunter2\n", "Bearer hunter2"),
        ("", None),
    ],
)
def test_the_login_is_sent(text: str, login: str | None, tmp_path: Path) -> None:
    """A user with a password, or a token, from the same file as Kafka's settings."""
    with stub_registry() as stub:
        stub.has(7, json.dumps(SCHEMA))
        settings = loaded(f"schema.registry.url={stub.url}\n{text}", tmp_path)
        assert format_with(settings).decode(record(VALUE)).event == {"quantity": 3}
        assert stub.logins == [login]


def test_no_secret_is_shown() -> None:
    """Neither in a repr, nor in an error."""
    settings = RegistrySettings.model_validate(
        {"url": "http://127.0.0.1:1", "username": "me", "password": PASSWORD}
    )
    avro_format = format_with(settings)
    with pytest.raises(EvidenceError) as error:
        avro_format.decode(record(VALUE))
    shown = f"{settings!r} {vars(avro_format)} {error.value} {schema_registry(settings)!r}"
    assert PASSWORD not in shown
    assert settings.masked(f"refused {PASSWORD}") == "refused ***"


def test_tls_is_verified_with_the_authority_and_the_client_s_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own authority, and a registry that demands a certificate; no key is left over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("client.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client.private_key_pem.write_to_path(tmp_path / "key.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    names = {"ca": "ca.pem", "certificate": "certificate.pem", "key": "key.pem"}
    lines = {
        name: f"schema.registry.ssl.{name}.location={tmp_path / file}\n"
        for name, file in names.items()
    }
    with stub_registry(context) as stub:
        stub.has(7, json.dumps(SCHEMA))
        url = f"schema.registry.url={stub.url}\n"
        whole = loaded(url + "".join(lines.values()), tmp_path)
        assert format_with(whole).decode(record(VALUE)).event == {"quantity": 3}
        with pytest.raises(EvidenceError, match=r"not trusted: set schema\.registry\.ssl\.ca"):
            format_with(loaded(url, tmp_path)).decode(record(VALUE))
        with pytest.raises(EvidenceError, match="cannot query"):
            format_with(loaded(url + lines["ca"], tmp_path)).decode(record(VALUE))
    assert not list(Path(tempfile.gettempdir()).glob("headcount-*.pem"))
