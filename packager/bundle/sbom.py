"""The bundle's software bill of materials: CycloneDX 1.6, the same bytes for the same content."""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cyclonedx.model import HashType, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

    from handler.manifest import BundleManifest, FileEntry
    from packager.packages.distributions import Distribution

PROPERTY_PREFIX = "packager:"
"""Of the properties that CycloneDX has no field for."""
OWN_PYTHON = "own_python"
"""The property of a library that is there for the model's own Python, and the Python's version."""
_NAMESPACE = uuid.UUID("6f0a9d5e-6b0c-5c54-9f0e-0d1f6a1d2b7c")
"""Any fixed one: the serial numbers are UUIDs (version 5) of the document's own text in it."""


@dataclass(frozen=True)
class InstalledPart:
    """What one lock put into the bundle, for one Python."""

    distributions: Sequence[Distribution]
    """As installed, see `packager.packages.distributions`."""
    lock_text: str
    """The `pylock.toml`, for the wheels' digests."""
    python: str
    """The minor version, as `3.12`."""
    is_own: bool = False
    """For the Python that the model alone runs in."""


def render_sbom(manifest: BundleManifest, *parts: InstalledPart) -> str:
    """Return the SBOM of a bundle as JSON, ending in a newline.

    It names no clock time and no random number: equal arguments give equal bytes.

    :param manifest: its `artifacts` and `checks` are of no matter.
    """
    # 150 ms to import: only a build pays for it.
    from cyclonedx.output.json import JsonV1Dot6

    bom = _bom(manifest, parts)
    output = JsonV1Dot6(bom)
    bom.serial_number = uuid.uuid5(_NAMESPACE, "")
    bom.serial_number = uuid.uuid5(_NAMESPACE, output.output_as_string())
    output.generate(force_regeneration=True)
    return output.output_as_string(indent=2) + "\n"


def _bom(manifest: BundleManifest, parts: Sequence[InstalledPart]) -> Bom:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.tool import ToolRepository

    bundle = _bundle_component(manifest)
    tool = _component("APPLICATION", "packager", manifest.packager_version, "packager")
    metadata = BomMetaData(component=bundle, tools=ToolRepository(components=[tool]))
    # Left alone it is the clock's. The schema does not ask for one.
    metadata.timestamp = None  # type: ignore[assignment]
    runtime, model = _runtime_component(manifest), _model_component(manifest)
    bom = Bom(metadata=metadata, components=[runtime, model])
    direct = {False: [runtime, model], True: []}
    for part in parts:
        direct[part.is_own] += _register_part(bom, part, manifest.target.architecture)
    bom.register_dependency(bundle, direct[False])
    if direct[True]:
        bom.register_dependency(model, direct[True])
    return bom


def _register_part(bom: Bom, part: InstalledPart, architecture: str) -> list[Component]:
    """Add the libraries of a part and return those that no other one requires."""
    lock = tomllib.loads(part.lock_text)
    wheels = {canonicalize_name(item["name"]): item for item in lock.get("packages", ())}
    libraries = {
        item.name: _library_component(item, wheels.get(canonicalize_name(item.name), {}), part)
        for item in part.distributions
    }
    bom.components.update(libraries.values())
    needed = _dependencies(part, architecture)
    for name, component in libraries.items():
        bom.register_dependency(component, [libraries[other] for other in sorted(needed[name])])
    indirect = set().union(*needed.values())
    return [component for name, component in libraries.items() if name not in indirect]


def _bundle_component(manifest: BundleManifest) -> Component:
    model = manifest.model
    properties = {
        "package_type": manifest.package_type,
        "model_source": manifest.model_source,
        "layer_sha256": manifest.layer.sha256 if manifest.layer else None,
        "runtime": manifest.target.runtime,
        "architecture": manifest.target.architecture,
    }
    return _component(
        "CONTAINER" if manifest.package_type == "image" else "APPLICATION",
        f"mlflow-{model.flavor}-model",
        model.model_id or model.run_id,
        "bundle",
        properties=properties,
    )


def _runtime_component(manifest: BundleManifest) -> Component:
    """Return what Lambda has already: CycloneDX knows a runtime environment as a platform."""
    target = manifest.target
    return _component(
        "PLATFORM",
        f"aws-lambda-{target.runtime}",
        target.runtime.removeprefix("python"),
        "runtime",
        description="The Lambda runtime that the bundle was built for; it is not part of it.",
        properties={"architecture": target.architecture},
    )


def _model_component(manifest: BundleManifest) -> Component:
    model = manifest.model
    archive = manifest.model_archive
    component = _component(
        "MACHINE_LEARNING_MODEL",
        f"mlflow-{model.flavor}",
        model.model_id or model.run_id,
        "model",
        hashes=[_sha256(archive.sha256)] if archive else [],
        properties={
            "serialization_format": model.serialization_format,
            "mlflow_version": model.mlflow_version,
            "run_id": model.run_id,
        },
    )
    component.components.update(_file_component(entry) for entry in model.files)
    return component


def _file_component(entry: FileEntry) -> Component:
    return _component(
        "FILE",
        entry.path,
        None,
        f"model/{entry.path}",
        hashes=[_sha256(entry.sha256)],
        properties={"size_bytes": str(entry.size_bytes)},
    )


def _library_component(
    distribution: Distribution, locked: Mapping[str, Any], part: InstalledPart
) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseAcknowledgement
    from packageurl import PackageURL

    purl = PackageURL("pypi", name=distribution.name, version=distribution.version)
    component = _component(
        "LIBRARY",
        distribution.name,
        distribution.version,
        # Both Pythons may have the same version of a package.
        f"own-python:{purl.to_string()}" if part.is_own else purl.to_string(),
        hashes=[_sha256(digest) for digest in _wheel_digests(distribution, locked)],
        properties={
            "installed_bytes": str(distribution.size_bytes),
            "top_level": distribution.top_level,
            OWN_PYTHON: part.python if part.is_own else None,
        },
    )
    component.purl = purl
    if distribution.license:
        declared = LicenseAcknowledgement.DECLARED
        component.licenses.add(
            LicenseFactory().make_from_string(
                distribution.license, license_acknowledgement=declared
            )
        )
    return component


def _component(
    kind: str,
    name: str,
    version: str | None,
    bom_ref: str,
    *,
    description: str | None = None,
    hashes: Iterable[HashType] = (),
    properties: Mapping[str, str | tuple[str, ...] | None] | None = None,
) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType[kind],
        name=name,
        version=version,
        bom_ref=bom_ref,
        description=description,
        hashes=hashes,
        properties=_properties(properties or {}),
    )


def _properties(values: Mapping[str, str | tuple[str, ...] | None]) -> Iterator[Property]:
    """Yield a property for each value; CycloneDX has lists as properties of one name."""
    from cyclonedx.model import Property

    for name, value in values.items():
        for item in value if isinstance(value, tuple) else (value,):
            if item is not None:
                yield Property(name=PROPERTY_PREFIX + name, value=item)


def _sha256(digest: str) -> HashType:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _wheel_digests(distribution: Distribution, locked: Mapping[str, Any]) -> Iterator[str]:
    """Yield the digest of the wheel that was installed, of those that the lock allows."""
    wheels = [*locked.get("wheels", ()), *([locked["archive"]] if "archive" in locked else [])]
    for wheel in wheels:
        digest = wheel.get("hashes", {}).get("sha256")
        if digest and (len(wheels) == 1 or _is_installed(wheel, distribution)):
            yield digest


def _is_installed(wheel: Mapping[str, Any], distribution: Distribution) -> bool:
    place = unquote(wheel.get("name") or wheel.get("url") or wheel["path"])
    tags = parse_wheel_filename(place.rpartition("/")[2])[3]
    return not {str(tag) for tag in tags}.isdisjoint(distribution.tags)


def _dependencies(part: InstalledPart, architecture: str) -> dict[str, set[str]]:
    """Return for each distribution which of the others it requires on the target."""
    environment = _environment(part.python, architecture)
    lines = {item.name: list(_parsed(item.requires)) for item in part.distributions}
    extras: dict[str, set[str]] = {name: {""} for name in lines}
    for requirement in (line for found in lines.values() for line in found):
        extras.setdefault(canonicalize_name(requirement.name), {""}).update(requirement.extras)
    needed: dict[str, set[str]] = {name: set() for name in lines}
    for name, requirements in lines.items():
        for requirement in requirements:
            other = canonicalize_name(requirement.name)
            if other in lines and other != name:
                marker = requirement.marker
                asked = extras[name]
                if not marker or any(marker.evaluate(environment | {"extra": e}) for e in asked):
                    needed[name].add(other)
    return needed


def _parsed(requires: Iterable[str]) -> Iterator[Requirement]:
    for line in requires:
        try:
            yield Requirement(line)
        except InvalidRequirement:  # published long ago, before anybody checked
            continue


def _environment(python: str, architecture: str) -> dict[str, str]:
    """Return what the target's Python says of itself in markers."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "aarch64" if architecture == "arm64" else architecture,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
