"""What a deployment is going to ask CloudFormation for."""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

from packager.bundle import FUNCTION_ZIP, LAYER_ZIP, TEMPLATE_NAME, Bundle
from packager.errors import BundleInvalid, ConfigError
from packager.publish import check_names, function_key, layer_key, models_prefix

LIVE_VERSION = "LiveVersion"
NOTHING_LIVE = "none"
"""The value of LiveVersion with which the stack has no API and no live alias yet."""
REVISION = "Revision"
ROLLS_BACK = "RollsBack"
"""With "true" traffic goes over at once, whatever `Deployment` says."""
SET_BY_DEPLOY = {"ModelBucket", "ModelPrefix", "ModelSha256", LIVE_VERSION, REVISION, ROLLS_BACK}
"""Parameters that no user gives."""
_PROVISIONED = "ProvisionedConcurrency"
_RESERVED = "ReservedConcurrency"
_OF_THE_TARGET = {"Runtime", "Architecture"}
# What Lambda keeps with the function and not with each of its versions, and what others have:
# a change of these alone publishes nothing, and CloudFormation fails where it is told to.
_NOT_OF_A_VERSION = re.compile(
    r"Api|Auth|Jwt\w+|Throttling\w+|Alarm\w+|Deployment|ModelKmsKeyArn|LogRetentionDays"
    r"|ProvisionedConcurrency|ReservedConcurrency|LiveVersion|Revision|RollsBack"
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

        :param now: the stack's. What is kept ready is of the live version, and one with a
            snapshot can't have it: as little as both versions can have.
        """
        parameters = self.with_live(version)
        if version and _PROVISIONED in now and _PROVISIONED in parameters:
            parameters[_PROVISIONED] = min(now[_PROVISIONED], parameters[_PROVISIONED], key=int)
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
    _check_names(given, declared)
    digests = {FUNCTION_ZIP: _digest(bundle, FUNCTION_ZIP)}
    keys = {FUNCTION_ZIP: function_key(prefix, digests[FUNCTION_ZIP])}
    if manifest.layer:
        digests[LAYER_ZIP] = manifest.layer.sha256
        keys[LAYER_ZIP] = layer_key(prefix, manifest.layer.sha256)
    uris = {name: f"s3://{bucket}/{key}" for name, key in keys.items()}
    values = {
        name: value
        for name, value in kept.items()
        if name in declared and name not in SET_BY_DEPLOY | _OF_THE_TARGET
    } | dict(given)
    values.setdefault("Api", declared["Api"])
    uploads = list(uris.values())
    if manifest.model_archive:
        digest = manifest.model_archive.sha256
        values |= {
            "ModelBucket": bucket,
            "ModelPrefix": models_prefix(prefix),
            "ModelSha256": digest,
        }
        uploads.insert(0, f"s3://{bucket}/{models_prefix(prefix)}/{digest}/model.zip")
    _check_concurrency(declared | values)
    values[REVISION] = _revision(digests, declared | values)
    return DeployPlan(stack_name, bucket, prefix, _located(text, uris), values, tuple(uploads))


def declared_parameters(template: str) -> dict[str, str]:
    """Return the template's parameters with their defaults; what has none is empty."""
    document: Any = yaml.load(template, _Tagless)
    return {
        name: str(item.get("Default", "")) for name, item in document.get("Parameters", {}).items()
    }


# libyaml's, where PyYAML has it: a quarter of a second less for a template of this size.
_Tagless: Any = type("_Tagless", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
"""Reads past CloudFormation's short forms, as `!Ref`: parameters have none."""
_Tagless.add_multi_constructor("!", lambda loader, suffix, node: None)


def _check_names(given: Mapping[str, str], declared: Mapping[str, str]) -> None:
    for name in given:
        if name in SET_BY_DEPLOY:
            raise ConfigError(f"the parameter {name} is set by `packager deploy` itself")
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f"Did you mean {near[0]}?" if near else "template.yaml lists them."
            raise ConfigError(f"the template has no parameter {name}", hint=hint)


def _digest(bundle: Bundle, name: str) -> str:
    for entry in bundle.manifest.artifacts:
        if entry.path == name:
            return entry.sha256
    raise BundleInvalid(f"bundle.json in {bundle.folder} does not name {name}")


def _located(text: str, uris: Mapping[str, str]) -> str:
    for name, uri in uris.items():
        text, count = re.subn(
            rf"(?m)^(\s+(?:CodeUri|ContentUri): ){re.escape(name)}$",
            # Not the address itself, in which a backslash would mean something.
            partial(_with_address, uri),
            text,
        )
        if count != 1:
            raise BundleInvalid(f"{TEMPLATE_NAME} names {name} {count} times, not once")
    return text


def _with_address(uri: str, match: re.Match[str]) -> str:
    return match[1] + uri


def stored_at(template: str) -> str | None:
    """Return the address in S3 below which a deployed template's model and zips are.

    None: its zip was put there by something else, as `sam deploy`.
    """
    found = re.search(
        r"(?m)^\s+CodeUri: (s3://\S+/)functions/[0-9a-f]{64}/function\.zip$", template
    )
    return found.group(1) if found else None


def _check_concurrency(values: Mapping[str, str]) -> None:
    # The template's rules can't compare numbers, and Lambda would refuse after minutes.
    kept, bound = values.get(_PROVISIONED, "0"), values.get(_RESERVED, "-1")
    if kept.isdecimal() and bound.isdecimal() and int(kept) > int(bound):
        raise ConfigError(
            f"{_PROVISIONED}={kept} is more than the function may have: {_RESERVED}={bound}",
            hint=f"Give a {_RESERVED} of at least {kept}, or -1 for no bound.",
        )


def _revision(digests: Mapping[str, str], values: Mapping[str, str]) -> str:
    """Return a text that is another one whenever Lambda has to publish another version."""
    own = {name: value for name, value in values.items() if not _NOT_OF_A_VERSION.fullmatch(name)}
    content = json.dumps([sorted(digests.values()), sorted(own.items())])
    return hashlib.sha256(content.encode()).hexdigest()
