"""AWS's clients for a deployment, and their errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from packager.errors import StackError, StorageError
from packager.storage.client import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, error_code, storage_errors

_LONGEST_INVOCATION_S = 900
_LOGIN_HINT = "Renew the credentials (`aws sso login`), or check AWS_PROFILE."
_SLOWER_HINT = "AWS asks to slow down: run the same command again in a minute."
_HINTS = {
    "AccessDenied": "The credentials need the right to do this; the message names it.",
    "AccessDeniedException": "The credentials need the right to do this; the message names it.",
    "ExpiredToken": _LOGIN_HINT,
    "ExpiredTokenException": _LOGIN_HINT,
    "InvalidClientTokenId": _LOGIN_HINT,
    "UnrecognizedClientException": _LOGIN_HINT,
    "InsufficientCapabilitiesException": "The template makes what packager does not expect.",
    "Throttling": _SLOWER_HINT,
    "ThrottlingException": _SLOWER_HINT,
    "TooManyRequestsException": "The function may run no more at once: raise ReservedConcurrency,"
    " or the account's own limit, or try again when there is less traffic.",
}


@dataclass(frozen=True)
class Clients:
    """What a deployment calls, each made when it is first needed: that takes 20 ms and more.

    boto3 makes the classes at run time and has no types.

    :raises StackError: by any of them; the settings are broken.
    """

    session: Any
    """boto3's."""

    @cached_property
    def cloudformation(self) -> Any:
        """For stacks and change sets."""
        return self._client("cloudformation")

    @cached_property
    def functions(self) -> Any:
        """Lambda's."""
        return self._client("lambda", read_timeout_s=_LONGEST_INVOCATION_S + 10)

    @cached_property
    def s3(self) -> Any:
        """For models and zips."""
        return self._client("s3")

    @cached_property
    def logs(self) -> Any:
        """CloudWatch's."""
        return self._client("logs")

    @property
    def region(self) -> str:
        """Where the stack is."""
        return str(self.cloudformation.meta.region_name)

    def _client(self, service: str, *, read_timeout_s: int = READ_TIMEOUT_S) -> Any:
        from botocore.config import Config  # heavy

        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"mode": "standard"},
        )
        with stack_errors("set up the AWS clients"):
            return self.session.client(service, config=config)


def make_clients(region: str | None = None) -> Clients:
    """Return clients for the user's AWS settings.

    :param region: another one than theirs.
    :raises StackError: the settings themselves are broken.
    """
    import boto3  # half a second of import that `packager --help` must not pay

    with stack_errors("set up the AWS clients"):
        return Clients(boto3.Session(region_name=region))


def names_no_stack(error: Exception) -> bool:
    """Tell whether a call failed because there is no such stack: CloudFormation only says so."""
    return error_code(error) == "ValidationError" and "does not exist" in str(error)


@contextmanager
def stack_errors(what: str) -> Iterator[None]:
    """Turn what botocore raises inside into a `StackError`.

    :param what: the attempt, as "read the stack my-model"; the message says it failed.
    :raises StackError: with the next step as its hint.
    """
    from botocore.exceptions import (  # as above: heavy
        BotoCoreError,
        ClientError,
        ParamValidationError,
    )
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
    except ParamValidationError as error:
        reason = " ".join(str(error).split())
        raise StackError(f"could not {what}: {reason}") from error
    except BotoCoreError as error:
        try:
            with storage_errors(what):
                raise
        except StorageError as known:
            raise StackError(known.message, hint=known.hint) from error
