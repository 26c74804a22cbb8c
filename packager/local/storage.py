"""An S3 of our own on the loopback address, for runs without an AWS account."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from packager.errors import ToolMissing, install_hint

_REGION = "us-east-1"
_CREDENTIAL = "embedded"


def embedded_environment(endpoint_url: str) -> dict[str, str]:
    """Return the variables with which any AWS client uses the embedded S3.

    It accepts any credentials; the user's own are not for it to see.
    """
    return {
        "AWS_ENDPOINT_URL_S3": endpoint_url,
        "AWS_ACCESS_KEY_ID": _CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": _CREDENTIAL,
        "AWS_REGION": _REGION,
        "AWS_DEFAULT_REGION": _REGION,
    }


@contextmanager
def embedded_s3() -> Iterator[str]:
    """Run moto's S3 server in this process, on a free port, and yield its endpoint URL.

    The objects are in this process's memory: several such servers show the same ones.

    :raises ToolMissing: moto is not installed.
    """
    try:
        # Seconds of import, and only in the extra `local`.
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise ToolMissing("moto, the embedded S3", install_hint("local")) from error
    # The server of moto logs every request at INFO.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
