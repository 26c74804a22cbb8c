"""AWS's clients for a deployment, and their errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from packager.errors import StackError, StorageError
from packager.s3 import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, error_code, storage_errors

_LONGEST_INVOCATION_S = 900
_LOGIN_HINT = "Renew the credentials (`aws sso login`), or check AWS_PROFILE."
_HINTS = {
    "AccessDenied": "The credentials need the right to do this; the message names it.",
    "AccessDeniedException": "The credentials need the right to do this; the message names it.",
    "ExpiredToken": _LOGIN_HINT,
    "InvalidClientTokenId": _LOGIN_HINT,
    "InsufficientCapabilitiesException": "The template makes what packager does not expect.",
    "Throttling": "AWS asks to slow down: run the same command again in a minute.",
}


@dataclass(frozen=True)
class Clients:
    """What a deployment calls; boto3 makes the classes at run time and has no types."""

    cloudformation: Any
    functions: Any
    """Lambda's."""
    s3: Any
    logs: Any
    """CloudWatch's."""

    @property
    def region(self) -> str:
        """Where the stack is."""
        return str(self.cloudformation.meta.region_name)


def make_clients() -> Clients:
    """Return clients for the user's AWS settings.

    :raises StackError: the settings themselves are broken.
    """
    # Half a second of import that `packager --help` must not pay.
    import boto3
    from botocore.config import Config

    def config(read_timeout_s: int) -> Any:
        return Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"mode": "standard"},
        )

    with stack_errors("set up the AWS clients"):
        session = boto3.Session()
        return Clients(
            cloudformation=session.client("cloudformation", config=config(READ_TIMEOUT_S)),
            functions=session.client("lambda", config=config(_LONGEST_INVOCATION_S + 10)),
            s3=session.client("s3", config=config(READ_TIMEOUT_S)),
            logs=session.client("logs", config=config(READ_TIMEOUT_S)),
        )


@contextmanager
def stack_errors(what: str) -> Iterator[None]:
    """Turn what botocore raises inside into a `StackError`.

    :param what: the attempt, as "read the stack my-model"; the message says it failed.
    :raises StackError: with the next step as its hint.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # as above: heavy
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ResponseParserError as error:
        raise StackError(
            f"could not {what}: the answer is none of AWS's", hint="Is a proxy in between?"
        ) from error
    except ClientError as error:
        code = error_code(error)
        message = error.response.get("Error", {}).get("Message") or "refused"
        raise StackError(f"could not {what}: {message} ({code})", hint=_HINTS.get(code)) from error
    except BotoCoreError as error:
        try:
            with storage_errors(what):
                raise
        except StorageError as known:
            raise StackError(known.message, hint=known.hint) from error
