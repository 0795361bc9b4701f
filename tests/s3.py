"""A real S3, on loopback."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.bucket import Bucket
from storage.ids import new_id
from storage.objects import Unstored
from storage.stores import objects_at
from tests.served import free_port

WEED = Path(__file__).parents[1] / ".venv/bin/weed"
ACCESS = {"accessKey": "kp7", "secretKey": "a secret"}
BUCKET = "s3://papers/kp7"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """→ where it is"""
    config = folder / "s3.json"
    rights = ["Admin", "Read", "Write", "List"]
    config.write_text(json.dumps({"identities": [{"name": "kp7", "credentials": [ACCESS], "actions": rights}]}))
    ports = {
        part: free_port()
        for name in ("s3", "master", "volume", "filer")
        for part in (name + ".port", name + ".port.grpc")
    }
    others = {"s3.port.iceberg": 0, "s3.port.lance": 0, "master.telemetry": "false"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(WEED, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-volume.max=3"),
                *("-s3", f"-s3.config={config}"),
                *(f"-{name}={value}" for name, value in {**ports, **others}.items()),
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{ports['s3.port']}"
        finally:
            server.kill()
            server.wait()


def variables(url: str) -> dict[str, str]:
    """As an operator sets them."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": ACCESS["accessKey"],
        "AWS_SECRET_ACCESS_KEY": ACCESS["secretKey"],
    }


async def answering() -> Bucket:
    """With its `variables` in the environment."""
    made = objects_at(BUCKET)
    assert isinstance(made, Bucket)
    begun = time.monotonic()
    while time.monotonic() < begun + 30:
        try:
            await made.put(new_id(), b"is it up?")
        except Unstored:
            await asyncio.sleep(0.1)
        else:
            return made
    raise AssertionError("no S3 came up")
