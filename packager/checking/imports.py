"""Check that what the model's own files import is in the bundle."""

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from handler.manifest import MODEL_FOLDER, BundleManifest
from packager.aws.runtimes import RUNTIME_PACKAGES
from packager.bundle.folder import Bundle
from packager.checking.missing import way_to_bring
from packager.checking.report import Check, Problem
from packager.checking.zipped import ZipContents
from packager.model.distributions_of_modules import modules_like, modules_of
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec
from packager.model.named_modules import Named, read_named_modules
from packager.packages.layer import import_path
from packager.requirements.select import Drop

IMPORTS = "the model's imports"


def check_imports(
    bundle: Bundle, contents: ZipContents, dropped: Sequence[Drop], *, is_proven: bool
) -> Check:
    """Check that each module that the model's pickles and sources name is in the bundle.

    :param contents: function and layer together.
    :param dropped: requirements of the model that the bundle leaves out.
    :param is_proven: a prediction was made. Then what is lacking was not needed for it: code may
        import in a branch that no request takes.
    """
    manifest = bundle.manifest
    info = manifest.model
    if info.engine.name != "exact":
        return Check.passed(IMPORTS, "the compiled model has none")
    if flavor_named(info.flavor).imports is None or not info.logged_executes_code:
        return Check.passed(IMPORTS, f"{info.serialization_format} files have none of their own")
    with tempfile.TemporaryDirectory() as folder:
        _unpack_model(bundle, Path(folder))
        python = manifest.target.runtime.removeprefix("python")
        named = read_named_modules(ModelSpec(Path(folder), info, python, requirements=()))
    there = {*_modules(contents, manifest), *sys.stdlib_module_names}
    lacking = [item for top, item in named.modules.items() if item.is_sure and top not in there]
    detail = f"{len(named.modules)} packages, all of them in the bundle"
    if lacking and is_proven:
        detail = f"not in the bundle, nor needed for the sample: {', '.join(map(_what, lacking))}"
    elif named.doubts:
        detail += f", as far as can be told: {named.doubts[0]}"
    problems = [] if is_proven else [_problem(item, dropped) for item in lacking]
    return Check.of(IMPORTS, problems, detail)


def _what(item: Named) -> str:
    return f"{item.module} ({item.by})"


def _problem(item: Named, dropped: Sequence[Drop]) -> Problem:
    return Problem(
        f"{item.by}, and nothing in the bundle has this module",
        f"Build again with {way_to_bring(item.module, dropped)}, or better add the package to the"
        " model's requirements.txt; a module of your own belongs into its code_paths.",
        item.module,
    )


def _modules(contents: ZipContents, manifest: BundleManifest) -> Iterator[str]:
    """Yield the names that can be imported: at the top of the zips, packed, or the runtime's."""
    for member in contents.members:
        yield import_path(member.filename).parts[0].partition(".")[0]
    for packed in manifest.packed:
        yield from packed.modules
    for package in RUNTIME_PACKAGES:
        yield from modules_of(package.name) or modules_like(package.name)


def _unpack_model(bundle: Bundle, folder: Path) -> None:
    """Write the model's files as they are in the bundle."""
    archive_path, prefix = bundle.model_zip, ""
    if archive_path is None:
        archive_path, prefix = bundle.function_zip, f"{MODEL_FOLDER}/"
    with zipfile.ZipFile(archive_path) as archive:
        for entry in bundle.manifest.model.files:
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(prefix + entry.path) as packed, path.open("wb") as file:
                shutil.copyfileobj(packed, file)
