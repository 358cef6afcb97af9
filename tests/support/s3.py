"""An S3 server as a process on loopback. A test may kill and restart it; it is empty after that."""

import subprocess
import sys
from typing import Any

import boto3
from botocore.config import Config

from tests.support.network import free_port
from tests.support.wait import until

BUCKET = "inputs"
CREDENTIALS = {"access_key": "a-key-of-tests", "secret_key": "its-other-half"}


class S3Server:
    """moto's server, on a fixed port."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.bucket: Any = boto3.resource(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["access_key"],
            aws_secret_access_key=CREDENTIALS["secret_key"],
            config=Config(retries={"total_max_attempts": 1}),
        ).Bucket(BUCKET)

    def start(self) -> None:
        """Starts the server, and waits for its bucket."""
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.bucket.create, what="the S3 server")

    def kill(self) -> None:
        """Sends SIGKILL if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def storage(self, **options: Any) -> dict[str, Any]:
        """The entry of STORAGES for its bucket."""
        defaults = {"bucket_name": BUCKET, "endpoint_url": self.url, "querystring_expire": 60, **CREDENTIALS}
        return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": defaults | options}

    def objects(self) -> dict[str, bytes]:
        """The content of the bucket by key."""
        return {item.key: item.get()["Body"].read() for item in self.bucket.objects.all()}
