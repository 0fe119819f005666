"""An object store on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from bridgetune import stores


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The name of an empty bucket; s3:// leads to a server of this process as long as the module is tested."""
    from moto.server import ThreadedMotoServer
    from pyarrow import fs

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            environment.setenv(name, value)
        store, _ = fs.FileSystem.from_uri("s3://pictures?allow_bucket_creation=true")
        store.create_dir("pictures")
        store.delete_dir_contents("pictures")  # of a module before: the servers of one process share what they keep
        yield "pictures"
        stores._store.cache_clear()
    server.stop()
