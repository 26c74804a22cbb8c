"""torch without CUDA: Lambda has no GPU, and torch's CUDA libraries take several GB.

The default index has torch for CUDA: on x86_64 always, on arm64 since 2.11. PyTorch's own index
has the CPU builds; uv knows it as a backend, which changes nothing where nothing requires torch
(the same locks, the same time).
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from packaging.utils import canonicalize_name

from handler.manifest import PackageEntry
from packager.errors import IndexUnreachable
from packager.support.uv import Indexes

_BACKEND = "cpu"
_BACKEND_VARIABLE = "UV_TORCH_BACKEND"
# Whatever torch is built for CUDA requires it, by one of its names.
_CUDA = "nvidia-cublas"

_Resolved = TypeVar("_Resolved")


def resolve_without_cuda(
    resolve: Callable[[Indexes], _Resolved],
    packages: Callable[[_Resolved], Iterable[PackageEntry]],
    indexes: Indexes,
) -> tuple[_Resolved, Indexes]:
    """Return what `resolve` finds that has no torch for CUDA in it, and where it was found.

    Places that the user names come first, for they may have a torch of the user's own; who sets
    uv's variable for the backend, or wants no index, is not contradicted.

    :param resolve: raises `IndexUnreachable` where an index does not answer.
    :param packages: those that were found.
    :raises IndexUnreachable: a torch without CUDA is nowhere to be had.
    """
    if indexes.is_offline or os.environ.get(_BACKEND_VARIABLE):
        return resolve(indexes), indexes
    from_pytorch = replace(indexes, torch_backend=_BACKEND)
    if not indexes.has_places:
        try:
            return resolve(from_pytorch), from_pytorch
        except IndexUnreachable as error:
            # The torch of uv's own configuration may do; where torch is not the reason, this
            # fails too.
            resolved = resolve(indexes)
            if _has_cuda(packages(resolved)):
                raise _nowhere(error) from error
            return resolved, indexes
    resolved = resolve(indexes)
    if not _has_cuda(packages(resolved)):
        return resolved, indexes
    try:
        return resolve(from_pytorch), from_pytorch
    except IndexUnreachable as error:
        raise _nowhere(error) from error


def _has_cuda(packages: Iterable[PackageEntry]) -> bool:
    versions = {str(canonicalize_name(package.name)): package.version for package in packages}
    torch = versions.get("torch")
    return (
        torch is not None
        and not torch.endswith("+cpu")
        and any(name.startswith(_CUDA) for name in versions)
    )


def _nowhere(error: IndexUnreachable) -> IndexUnreachable:
    return IndexUnreachable(
        "the CPU build of torch cannot be had, and the other one brings several GB of CUDA, of"
        f" which Lambda has none. PyTorch's own index: {error}",
        hint="Give its wheel with --find-links FOLDER, or an index that has it with"
        " --extra-index-url.",
    )
