"""A bundle's dependencies as a Lambda layer: where they are in `layer.zip`, and on Lambda.

The paths of a bundle's files are those on Lambda: relative to /var/task for what is in
function.zip, absolute for what is in layer.zip. Lambda unpacks layers into /opt, imports
modules from /opt/python after those in /var/task, and loads libraries from /opt/lib
(https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html).
"""

import re
from pathlib import Path, PurePosixPath

LAYER_ROOT = PurePosixPath("/opt")
PACKAGES_FOLDER = "python"
"""Of the layer: its packages and modules."""
LIBRARIES_FOLDER = "lib"
"""Of the layer, and in /var/task: shared libraries for the loader to find."""
PACKAGES_ROOT = LAYER_ROOT / PACKAGES_FOLDER
LIBRARIES_ROOT = LAYER_ROOT / LIBRARIES_FOLDER
_LIBRARY = re.compile(r"\.so(\.|$)")


def arrange_layer(staging: Path) -> None:
    """Move what is in the staging dir to where a layer has it.

    What is laid out for /var/task has its packages at the top and, on the loader's path, the
    shared libraries in lib/.
    """
    # Aside first: a package may be called as one of the layer's own folders.
    whole = staging.rename(staging.with_name(f"{staging.name}.packages"))
    packages, libraries = staging / PACKAGES_FOLDER, staging / LIBRARIES_FOLDER
    staging.mkdir()
    whole.rename(packages)
    for path in sorted((packages / LIBRARIES_FOLDER).glob("*")):
        if path.is_file() and _LIBRARY.search(path.name):
            libraries.mkdir(exist_ok=True)
            path.rename(libraries / path.name)


def import_path(path: PurePosixPath | str) -> PurePosixPath:
    """Return a file's path below the folder of Python's path that it is in.

    Of a library in /opt/lib it is the one that it would have in a bundle without a layer.
    """
    found = PurePosixPath(path)
    for root in (PACKAGES_ROOT, LAYER_ROOT):
        if root in found.parents:
            return found.relative_to(root)
    return found
