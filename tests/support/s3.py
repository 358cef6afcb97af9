"""A real S3 server as a process of its own on loopback, which a test may kill and start again, empty then."""

import subprocess
import sys
from typing import Any

import boto3
from botocore.config import Config

from tests.support.network import free_port
from tests.support.waiting import until

BUCKET = "inputs"
CREDENTIALS = {"access_key": "a-key-of-tests", "secret_key": "its-other-half"}


class S3Server:
    """moto's, on a port that stays its own."""

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
        """Until it has its bucket."""
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.bucket.create, what="the S3 server")

    def kill(self) -> None:
        """With SIGKILL, where it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def storage(self, **options: Any) -> dict[str, Any]:
        """The entry of STORAGES for its bucket."""
        given = {"bucket_name": BUCKET, "endpoint_url": self.url, "querystring_expire": 60, **CREDENTIALS}
        return {"BACKEND": "attachments.storage.s3.S3", "OPTIONS": given | options}

    def objects(self) -> dict[str, bytes]:
        """All that the bucket holds, by its key."""
        return {item.key: item.get()["Body"].read() for item in self.bucket.objects.all()}
