"""The packages of the model's own Python: a tree beside the function's, for an image.

It is kept as its wheels unpack, less tests: how an old library reads its own files nobody knows
any more, and an image has room. Its bytecode is made where the image is, by that Python.
"""

import json
import os
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from packager.aws.runtimes import Target
from packager.lock.pylock import Lock
from packager.packages import install, shared_libraries
from packager.packages.distributions import Distribution, read_distributions
from packager.packages.prepare import forget_old_sets
from packager.packages.trim import tree_size, trim_tests
from packager.progress import LOGGED, Progress
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.uv import Indexes

_TREE = "tree"
_DISTRIBUTIONS = "distributions.json"


@dataclass(frozen=True)
class OwnTree:
    """A set of packages in the cache."""

    tree: Path
    """As it is to lie in the image; not to be written to."""
    distributions: tuple[Distribution, ...]


def prepare_own_tree(
    lock: Lock,
    target: Target,
    *,
    is_trimmed: bool = True,
    indexes: Indexes | None = None,
    progress: Progress = LOGGED,
) -> OwnTree:
    """Return the lock's wheels as the image carries them; made at the first call.

    :param target: the model's own Python.
    :raises ToolFailed: a download failed, or a wheel differs from its hash.
    :raises ConfigError: the cache cannot be written.
    """
    place = [target.runtime.name, target.architecture]
    rooms = map(resources.files, ("packager.packages", "packager.support", "packager.aws"))
    key = cache_key([lock.wheels, place, is_trimmed], sources=rooms)
    folder = cache_root() / "own-python" / key

    def build(partial: Path) -> None:
        tree = partial / _TREE
        tree.mkdir()
        progress.step(f"Installing {len(lock.packages)} packages for {target.description}")
        install.install_lock(lock, target, tree, indexes or Indexes())
        found = read_distributions(tree)
        for library in shared_libraries.provide_libraries(tree, target):
            progress.detail(f"{library.name}: a copy comes from {library.source}")
        if is_trimmed:
            trim_tests(tree)
        progress.detail(f"{tree_size(tree) / 1e6:.1f} MB")
        text = json.dumps([item.to_dict() for item in found])
        (partial / _DISTRIBUTIONS).write_text(text, encoding="utf-8")

    build_once(folder, build, progress=progress)
    forget_old_sets(folder.parent)
    listed = json.loads((folder / _DISTRIBUTIONS).read_bytes())
    return OwnTree(folder / _TREE, tuple(map(Distribution.from_dict, listed)))


def link_tree(tree: Path, destination: Path) -> None:
    """Lay the tree out anew, without copying what is in its files where the disk is the same."""
    shutil.copytree(tree, destination, copy_function=_link)


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:  # another disk
        shutil.copy2(source, destination)
