"""The token client: whatever a token server sends, the error is one that kafka-python knows."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import KafkaConnectionError
from pydantic import SecretStr

from headcount.kafka_settings.settings import TokenSource
from headcount.kafka_settings.token_client import TIMEOUT_S, TokenClient
from headcount.stack.ports import LOOPBACK

HIDDEN = "hunter2"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


@contextmanager
def token_server(response: bytes) -> Iterator[str]:
    """Answer one request with these bytes; yield the URL."""
    with socket.create_server((LOOPBACK, 0)) as server:
        server.settimeout(TIMEOUT_S)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(response)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://{LOOPBACK}:{server.getsockname()[1]}/token"
        thread.join()


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-server\r\n\r\n",
        HEAD + b"100\r\n\r\n{",
        HEAD + b"4\r\n\r\nnull",
        HEAD + b"2\r\n\r\n{}",
        HEAD + b"40\r\n\r\n" + b'{"access_token":"a","expires_in":"soon"}',
    ],
    ids=["not HTTP", "cut off", "null", "no token", "no number"],
)
def test_a_response_without_a_token(response: bytes) -> None:
    """The message names the server, and not the secret."""
    with token_server(response) as url:
        source = TokenSource(url=url, client_id="me", client_secret=SecretStr(HIDDEN))
        with pytest.raises(
            KafkaConnectionError, match="cannot fetch a token from http://"
        ) as error:
            TokenClient(source).token()
    assert "is not that of a token server" in str(error.value)
    assert HIDDEN not in str(error.value)
