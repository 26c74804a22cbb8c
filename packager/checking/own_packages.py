"""Checks of the packages of the model's own Python: those of the function's, for another target."""

from dataclasses import replace

from handler.manifest import OWN_PACKAGES_FOLDER, BundleManifest
from packager.aws.runtimes import own_python_target
from packager.checking import libraries, packages
from packager.checking.report import Check, Problem
from packager.checking.zipped import ZipContents


def check_own_packages(contents: ZipContents, manifest: BundleManifest) -> tuple[Check, ...]:
    """Check that what lies there is for the model's own Python, and whole; nothing without one."""
    python = manifest.model.own_python
    if python is None:
        return ()
    target = own_python_target(python, manifest.target.architecture)
    if target is None:
        problem = Problem(f"there is no image of Python {python}", "Build the bundle again.")
        return (Check.of(_named("packages", python), [problem], ""),)
    own = contents.inside(OWN_PACKAGES_FOLDER)
    checks = (
        packages.check_distributions(own, manifest.own_packages),
        packages.check_wheel_tags(own, target),
        packages.check_python_version(own, target),
        libraries.check_architecture(own, target),
        libraries.check_symbol_versions(own, target),
        libraries.check_shared_libraries(own, target, is_image=True),
    )
    return tuple(
        replace(check, entry=replace(check.entry, name=_named(check.entry.name, python)))
        for check in checks
    )


def _named(name: str, python: str) -> str:
    return f"{name} of its own Python {python}"
