"""Check that a finished bundle works on its target, before anything is deployed.

Static checks read the zips; dynamic ones run the function here, where the target's Python
and architecture are here. What was not checked is never called good.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from handler.manifest import OWN_PACKAGES_FOLDER
from packager.aws.runtimes import find_target
from packager.bundle.folder import Bundle
from packager.checking import files, layers, libraries, packages
from packager.checking.gates import Gates, check_gates
from packager.checking.imports import check_imports, settle_imports
from packager.checking.own_packages import check_own_packages
from packager.checking.proof import proof_of
from packager.checking.report import Check, CheckReport, Measurements
from packager.checking.running import nothing_ran, run_function
from packager.checking.strictness import check_strictness
from packager.checking.zipped import ZipContents, read_zip
from packager.errors import BundleInvalid
from packager.local.prepared import ModelSurroundings
from packager.packages.layer import LAYER_ROOT
from packager.progress import LOGGED, Progress
from packager.requirements.select import Drop


def check_bundle(
    bundle: Bundle,
    *,
    source_model: Path | None = None,
    dropped: Sequence[Drop] = (),
    surroundings: ModelSurroundings | None = None,
    is_static: bool = False,
    is_strict: bool = False,
    memory_mib: int | None = None,
    gates: Gates | None = None,
    progress: Progress = LOGGED,
) -> CheckReport:
    """Check the bundle and return what was found, and what was not checked.

    :param source_model: the MLflow model folder that the bundle was built from: its
        predictions are compared with the function's.
    :param dropped: requirements of the model that the bundle leaves out, to name them when
        one is missed.
    :param surroundings: what the source model's environment is made of besides.
    :param is_static: only read the zips, run nothing.
    :param is_strict: a check fails where the function had more here than Lambda gives it.
    :param memory_mib: what the function may take. None: as much as the bundle's template gives.
    :param gates: the user's own limits, a check for each. What they find differs from run to
        run, so it has no place in a `bundle.json`.
    :raises BundleInvalid: a zip cannot be read.
    :raises ConfigError: the manifest names an unknown target, or the cache cannot be written.
    """
    progress.step(f"Checking {' and '.join(path.name for path in bundle.code_zips)}")
    function = read_zip(bundle.function_zip)
    layer = read_zip(bundle.layer_zip, LAYER_ROOT) if bundle.layer_zip else None
    contents = function.with_layer(layer) if layer else function
    checks = _static_checks(bundle, function, layer, contents, dropped)
    measurements = Measurements()
    is_unsafe = any(check.entry.name == files.NAMES and check.problems for check in checks)
    if is_static:
        more = nothing_ran("only static checks were asked for")
    elif is_unsafe:
        more = nothing_ran("it is not safe to unpack the zip")
    else:
        more, measurements = run_function(
            bundle,
            source_model=source_model,
            dropped=dropped,
            surroundings=surroundings or ModelSurroundings(),
            memory_mib=memory_mib,
            has_warm_invocations=gates is not None and gates.p50_ms is not None,
            progress=progress,
        )
    measurements = replace(
        measurements,
        unzipped_bytes=contents.unzipped_bytes,
        zipped_bytes=sum(path.stat().st_size for path in bundle.code_zips),
    )
    checks = tuple(settle_imports(check, more) for check in checks)
    strict = (check_strictness(measurements, more),) if is_strict else ()
    gated = check_gates(gates, measurements, more) if gates else ()
    proof = proof_of(check.entry for check in more)
    return CheckReport((*checks, *more, *strict, *gated), measurements, proof)


def _static_checks(
    bundle: Bundle,
    function: ZipContents,
    layer: ZipContents | None,
    contents: ZipContents,
    dropped: Sequence[Drop],
) -> tuple[Check, ...]:
    """Return what the zips themselves tell.

    :param contents: function and layer together.
    """
    manifest = bundle.manifest
    target = find_target(manifest.target.runtime, manifest.target.architecture)
    try:
        model = files.model_members(function, manifest, bundle.model_zip)
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleInvalid(
            f"{bundle.model_zip} cannot be read: {error}", hint="Build the bundle again."
        ) from error
    archives = {bundle.function_zip.name: function.members}
    own = check_own_packages(function, manifest)
    contents = contents.without(OWN_PACKAGES_FOLDER)
    if bundle.layer_zip and layer:
        archives[bundle.layer_zip.name] = layer.members
    if bundle.model_zip:
        archives[bundle.model_zip.name] = model
    return (
        files.check_names(archives),
        files.check_modes(contents.members),
        files.check_handler(function, manifest),
        *([layers.check_layer(function, layer)] if layer else []),
        files.check_model_files(manifest, model),
        files.check_sizes(contents, manifest, bundle.code_zips),
        packages.check_distributions(contents, manifest.packages),
        packages.check_wheel_tags(contents, target),
        # Debian's image has none of them.
        *([] if manifest.model.own_python else [packages.check_runtime_packages(contents)]),
        packages.check_python_version(contents, target),
        libraries.check_architecture(contents, target),
        libraries.check_symbol_versions(contents, target),
        libraries.check_shared_libraries(
            contents, target, is_image=manifest.package_type == "image"
        ),
        check_imports(bundle, target.runtime, dropped),
        *own,
    )
