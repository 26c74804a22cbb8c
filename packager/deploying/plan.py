"""What a deployment is going to ask CloudFormation for."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from packager.bundle.folder import FUNCTION_ZIP, LAYER_ZIP, TEMPLATE_NAME, Bundle
from packager.bundle.keys import check_names, function_key, layer_key, model_key, models_prefix
from packager.bundle.template import layer_name
from packager.deploying.parameters import (
    LAYER_ARN,
    LIVE_VERSION,
    PROVISIONED,
    RESERVED,
    REVISION,
    SET_BY_DEPLOY,
    check_concurrency,
    check_given,
    declared_parameters,
    is_number,
    most,
    number,
)
from packager.errors import BundleInvalid, ConfigError

NOTHING_LIVE = "none"
"""The value of LiveVersion with which the stack has no API and no live alias yet."""
_OF_THE_TARGET = {"Runtime", "Architecture"}
# Who may call, where and how often is what callers see: it changes with the live version.
_OF_THE_API = re.compile(r"Api|Auth|Jwt\w+|Throttling\w+")
# What Lambda keeps with the function and not with each of its versions, and what others have:
# a change of these alone publishes nothing, and CloudFormation fails where it is told to.
_NOT_OF_A_VERSION = re.compile(
    rf"{_OF_THE_API.pattern}|Alarm\w+|Deployment|ModelKmsKeyArn|LogRetentionDays"
    r"|ProvisionedConcurrency|ReservedConcurrency|LiveVersion|Revision|RollsBack"
    # The same content under another name: what is in it counts as a digest.
    r"|LayerArn"
)


@dataclass(frozen=True)
class DeployPlan:
    """All of it but the live version, which only the stack knows."""

    stack_name: str
    bucket: str
    prefix: str
    """Of the keys in S3, without outer slashes."""
    template: str
    """The bundle's, with the zips' addresses in S3."""
    parameters: Mapping[str, str]
    uploads: tuple[str, ...]
    """Addresses in S3 of what the stack needs; what is there already is not sent again."""

    def with_live(self, version: str | None) -> dict[str, str]:
        """Return the parameters with which that version is live; None: none is."""
        return {**self.parameters, LIVE_VERSION: version or NOTHING_LIVE}

    def before_test(self, version: str | None, now: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters with which the new version is published, and that one stays live.

        :param now: the stack's. The API stays as it is. What is kept ready is of the live version,
            and one with a snapshot can't have it: as little as both versions can have. What the
            function may have at most is more than that at any time.
        """
        parameters = self.with_live(version)
        if not version:
            return parameters
        both = {name: (now[name], parameters[name]) for name in parameters if name in now}
        parameters |= {name: old for name, (old, _) in both.items() if is_of_the_api(name)}
        if PROVISIONED in both:
            parameters[PROVISIONED] = min(both[PROVISIONED], key=most)
        if RESERVED in both:
            parameters[RESERVED] = max(both[RESERVED], key=most)
        return parameters

    @property
    def api(self) -> str:
        """HTTP, REST or URL."""
        return self.parameters["Api"]


def make_plan(
    bundle: Bundle,
    stack_name: str,
    bucket: str,
    prefix: str,
    given: Mapping[str, str],
    kept: Mapping[str, str],
) -> DeployPlan:
    """Return the plan; equal arguments give an equal one.

    :param given: parameters that the user asks for.
    :param kept: those that she asked for before; what the bundle does not know is left out.
    :raises ConfigError: an unknown parameter, one that is ours, or a container image.
    """
    manifest = bundle.manifest
    if manifest.package_type == "image":
        raise ConfigError(
            "the bundle is a container image, which goes to a registry",
            hint="`packager publish` prints the command that builds, pushes and deploys it.",
        )
    check_names(bucket, prefix)
    prefix = prefix.strip("/")
    text = (bundle.folder / TEMPLATE_NAME).read_text(encoding="utf-8")
    declared = declared_parameters(text)
    if LIVE_VERSION not in declared:
        raise BundleInvalid(
            f"{bundle.folder / TEMPLATE_NAME} is of an older packager, without {LIVE_VERSION}",
            hint=f"Build it again: packager build MODEL --output {bundle.folder}",
        )
    check_given(given, declared)
    _check_layer(given, bundle)
    digests = {FUNCTION_ZIP: bundle.artifact(FUNCTION_ZIP).sha256}
    keys = {FUNCTION_ZIP: function_key(prefix, digests[FUNCTION_ZIP])}
    if manifest.layer:
        digests[LAYER_ZIP] = manifest.layer.sha256
        keys[LAYER_ZIP] = layer_key(prefix, manifest.layer.sha256)
    uris = {name: f"s3://{bucket}/{key}" for name, key in keys.items()}
    values = {
        name: value
        for name, value in kept.items()
        if name in declared and name not in SET_BY_DEPLOY | _OF_THE_TARGET
    }
    if not _is_layer_of(bundle, values.get(LAYER_ARN, "")):
        del values[LAYER_ARN]  # with the dependencies of the bundle before
    values |= given
    defaults = {name: str(item.get("Default", "")) for name, item in declared.items()}
    values.setdefault("Api", defaults["Api"])
    uploads = list(uris.values())
    if manifest.model_archive:
        digest = manifest.model_archive.sha256
        place = {"ModelBucket": bucket, "ModelPrefix": models_prefix(prefix)}
        values |= place | {"ModelSha256": digest}
        uploads.insert(0, f"s3://{bucket}/{model_key(prefix, digest)}")
    check_concurrency(defaults | values)
    values[REVISION] = _revision(digests, defaults | values)
    return DeployPlan(stack_name, bucket, prefix, _located(text, uris), values, tuple(uploads))


def is_of_the_api(parameter: str) -> bool:
    """Tell whether callers see it: which API there is, who may call it and how often."""
    return _OF_THE_API.fullmatch(parameter) is not None


def _check_layer(given: Mapping[str, str], bundle: Bundle) -> None:
    arn = given.get(LAYER_ARN, "")
    if not _is_layer_of(bundle, arn):
        raise ConfigError(
            f"{LAYER_ARN}={arn} is not the layer that the bundle was built with",
            hint=f"That is a version of {layer_name(bundle.manifest)}: the output LayerArn of a"
            " stack whose bundle has the same lock.",
        )


def _is_layer_of(bundle: Bundle, arn: str) -> bool:
    return not arn or arn.split(":")[-2] == layer_name(bundle.manifest)


def _located(text: str, uris: Mapping[str, str]) -> str:
    for name, uri in uris.items():
        place = rf"(?m)^(\s+(?:CodeUri|ContentUri): ){re.escape(name)}$"
        # In what takes the place a backslash would mean something.
        text, count = re.subn(place, r"\1" + uri.replace("\\", r"\\"), text)
        if count != 1:
            raise BundleInvalid(f"{TEMPLATE_NAME} names {name} {count} times, not once")
    return text


def stored_at(template: str) -> str | None:
    """Return the address in S3 below which a deployed template's model and zips are.

    None: its zip was put there by something else, as `sam deploy`.
    """
    found = re.search(
        r"(?m)^\s+CodeUri: (s3://\S+/)functions/[0-9a-f]{64}/function\.zip$", template
    )
    return found.group(1) if found else None


def _revision(digests: Mapping[str, str], values: Mapping[str, str]) -> str:
    """Return a text that is another one whenever Lambda has to publish another version."""
    own = {
        name: _in_one_form(value)
        for name, value in values.items()
        if not _NOT_OF_A_VERSION.fullmatch(name)
    }
    content = json.dumps([sorted(digests.values()), sorted(own.items())])
    return hashlib.sha256(content.encode()).hexdigest()


def _in_one_form(value: str) -> list[str]:
    """Return what Lambda takes the value for: it publishes no second version of the same."""
    items = [item.strip() for item in value.split(",")]
    return sorted(str(number(item)) if is_number(item) else item for item in items)
