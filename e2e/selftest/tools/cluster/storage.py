"""Object storage on this machine: moto's server speaks the S3 protocol, and s3fs reaches it by the standard variables."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.request import Request, urlopen


@contextmanager
def s3_server(*buckets: str) -> Iterator[Mapping[str, str]]:
    """A server with these buckets, and the variables by which the AWS clients reach it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # one line for each request otherwise
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        for bucket in buckets:
            urlopen(Request(f"{url}/{bucket}", method="PUT"), timeout=20).close()
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.stop()
