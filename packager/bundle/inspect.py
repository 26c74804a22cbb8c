"""What a model or a bundle is made of, as data."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.manifest import BundleManifest, ModelInfo
from packager.aws.runtimes import runtime_for_python
from packager.bundle.contents import BundledPackage, read_contents
from packager.bundle.folder import SBOM_NAME, Bundle
from packager.model.mlmodel import ModelSpec
from packager.requirements.select import Drop, inference_requirements


@dataclass(frozen=True)
class ModelReport:
    """A model folder, as `packager inspect` shows it."""

    info: ModelInfo
    python_version: str | None
    runtime: str
    """The Lambda runtime that `packager build` would choose."""
    requirements: tuple[str, ...]
    """What the bundle would install for the model."""
    dropped: tuple[Drop, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data for `--json`."""
        return {
            "kind": "model",
            **_model_dict(self.info),
            "python_version": self.python_version,
            "runtime": self.runtime,
            "requirements": list(self.requirements),
            "dropped": [dataclasses.asdict(drop) for drop in self.dropped],
        }


@dataclass(frozen=True)
class BundleReport:
    """A bundle, as `packager inspect` shows it."""

    manifest: BundleManifest
    packages: tuple[BundledPackage, ...] | None
    """With licences and sizes; None: the bundle has no SBOM, which names them."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data for `--json`."""
        manifest = self.manifest
        archive, layer = manifest.model_archive, manifest.layer
        return {
            "kind": "bundle",
            **_model_dict(manifest.model),
            "packager_version": manifest.packager_version,
            "target": dataclasses.asdict(manifest.target),
            "engine": dataclasses.asdict(manifest.model.engine),
            "model_source": manifest.model_source,
            "model_archive": dataclasses.asdict(archive) if archive else None,
            "package_type": manifest.package_type,
            "layer": dataclasses.asdict(layer) if layer else None,
            "packages": [
                dataclasses.asdict(package) for package in self.packages or manifest.packages
            ],
            "own_python": manifest.model.own_python,
            "own_packages": [dataclasses.asdict(package) for package in manifest.own_packages],
            "proof": dataclasses.asdict(manifest.proof) if manifest.proof else None,
            "checks": [dataclasses.asdict(check) for check in manifest.checks],
            "artifacts": [dataclasses.asdict(entry) for entry in manifest.artifacts],
        }


def inspect_model(spec: ModelSpec) -> ModelReport:
    """Return what is known of this model without loading it.

    :raises DependencyError: one of its requirements cannot be read.
    """
    requirements = inference_requirements(spec)
    return ModelReport(
        info=spec.info,
        python_version=spec.python_version,
        runtime=runtime_for_python(spec.python_version),
        requirements=requirements.kept,
        dropped=requirements.dropped,
    )


def inspect_bundle(bundle: Bundle) -> BundleReport:
    """Return what is known of this bundle.

    :raises BundleInvalid: its zip or its SBOM cannot be read.
    """
    has_sbom = (bundle.folder / SBOM_NAME).is_file()
    return BundleReport(bundle.manifest, read_contents(bundle).packages if has_sbom else None)


def describe_column(item: Mapping[str, Any]) -> str:
    """Return the type of a signature's column, tensor or parameter, in words."""
    spec = item.get("tensor-spec")
    kind = f"{spec['dtype']} {tuple(spec['shape'])}" if spec else str(item.get("type"))
    optional = "" if item.get("required", True) else " (optional)"
    default = f" = {item['default']!r}" if "default" in item else ""
    return f"{kind}{optional}{default}"


def _model_dict(info: ModelInfo) -> dict[str, Any]:
    return {
        "flavor": info.flavor,
        "serialization_format": info.serialization_format,
        "executes_code": info.executes_code,
        "trusted_types": list(info.trusted_types),
        "predict_fn": info.predict_fn,
        "options": info.options,
        "signature": info.signature,
        "input_example": info.input_example,
        "model_id": info.model_id,
        "run_id": info.run_id,
        "mlflow_version": info.mlflow_version,
        "files": [dataclasses.asdict(entry) for entry in info.files],
        "size_bytes": sum(entry.size_bytes for entry in info.files),
    }
