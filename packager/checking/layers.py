"""Check of a Lambda layer: that its files are found, and are not hidden by the function's."""

from packager.checking.report import Check, Problem
from packager.checking.zipped import ZipContents
from packager.packages.layer import LIBRARIES_ROOT, PACKAGES_ROOT, import_path


def check_layer(function: ZipContents, layer: ZipContents) -> Check:
    """Check that each file is where Lambda looks, and that no module is in both zips."""
    paths = [path for path in map(str, layer.heads) if not path.startswith(_FOUND)]
    problems = [
        Problem(
            f"{path}: neither Python nor the loader looks there, only in {PACKAGES_ROOT} and"
            f" {LIBRARIES_ROOT}",
            "Build the bundle again; take out what was added to it by hand.",
        )
        for path in sorted(paths)
    ]
    theirs = [path for path in layer.heads if path.startswith(f"{PACKAGES_ROOT}/")]
    modules = {module: path for path in theirs if (module := _module(path))}
    ours = {module for path in function.heads if (module := _module(path))}
    problems += [
        Problem(
            f"{name} is in function.zip and, from {layer.owner(modules[name])}, in layer.zip:"
            " Lambda imports the function's",
            "Rename it, or leave out the package that brings it with --drop NAME.",
        )
        for name in sorted(ours & modules.keys())
    ]
    return Check.of(
        "layer", problems, f"{len(layer.heads)} files that Lambda finds, no module in both zips"
    )


_FOUND = (f"{PACKAGES_ROOT}/", f"{LIBRARIES_ROOT}/")
_MODULE_SUFFIXES = (".py", ".pyc", ".so")


def _module(path: str) -> str | None:
    """Return what Python imports: `six.py` and `six/` are the module six, `six.json` is none."""
    found = import_path(path)
    if len(found.parts) > 1:
        return found.parts[0]
    return found.name.partition(".")[0] if found.suffix in _MODULE_SUFFIXES else None
