"""Under which names in S3 a bundle's parts are, and which names S3 and the template take."""

import re

from packager.errors import ConfigError

DEFAULT_PREFIX = "packager"

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.'()/=+@-]*")
"""What the parameter ModelPrefix of `template.yaml` allows."""


def models_prefix(prefix: str) -> str:
    """Return what the keys of all models begin with: the template's ModelPrefix."""
    return _join(prefix, "models")


def model_key(prefix: str, sha256: str) -> str:
    """Return the key of the model archive with this digest."""
    return f"{models_prefix(prefix)}/{sha256}/model.zip"


def layer_key(prefix: str, sha256: str) -> str:
    """Return the key of the layer with this digest: bundles with one lock have the same."""
    return _join(prefix, f"layers/{sha256}/layer.zip")


def function_key(prefix: str, sha256: str) -> str:
    """Return the key of the function zip with this digest."""
    return _join(prefix, f"functions/{sha256}/function.zip")


def check_bucket(name: str) -> None:
    """Refuse what S3 would.

    :raises ConfigError: it is no bucket name.
    """
    if not _BUCKET_NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no bucket name",
            hint="Give the name alone, as my-models: 3 to 63 of a-z, 0-9, dots and hyphens.",
        )


def check_names(bucket: str, prefix: str) -> None:
    """Refuse names that S3 or `template.yaml` does not take.

    :raises ConfigError: it is one of these.
    """
    if not bucket:
        raise ConfigError("no bucket name", hint="Give --bucket or set PACKAGER_BUCKET.")
    check_bucket(bucket)
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"the prefix {prefix!r} has a character that no key of ours may have",
            hint="Use letters, digits and !_.'()/=+@- only: wildcards would open the function's"
            " policy to other objects.",
        )


def _join(prefix: str, rest: str) -> str:
    prefix = prefix.strip("/")
    return f"{prefix}/{rest}" if prefix else rest
