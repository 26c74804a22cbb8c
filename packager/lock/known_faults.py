"""Versions that resolve and load, and are known to fail on Lambda: as data.

What no check on another machine would find belongs here, with its source.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from handler.manifest import PackageEntry
from packager.aws.runtimes import Target
from packager.errors import FailsOnTarget


@dataclass(frozen=True)
class Fault:
    """A range of versions that fails on an architecture."""

    package: str
    versions: str
    """PEP 440."""
    architecture: str
    reason: str
    """A clause, after the package's name and version."""
    hint: str


FAULTS = (
    # onnxruntime issue 10038, mended by its pull request 28230. Seen under qemu without /sys:
    # 1.23.2 and 1.25.0 abort when they are imported, 1.26.0 and 1.31.1 predict.
    Fault(
        package="onnxruntime",
        versions="<1.26",
        architecture="arm64",
        reason="ends the process on Lambda's arm64, which has no /sys to read the processors from",
        hint="Log the model with onnxruntime>=1.26, or build with --architecture x86_64.",
    ),
)


@dataclass(frozen=True)
class Companion:
    """A range of versions that works with certain versions of another package alone, unsaid."""

    package: str
    versions: str
    """PEP 440."""
    constraint: str
    """PEP 508 line that its metadata lacks."""


_NUMPY_2_SINCE = (
    # The first release of each whose notes name NumPy 2: what is compiled against NumPy 1 fails
    # with it when it is imported (numpy.dtype size changed), and not all say so in their metadata.
    ("scikit-learn", "1.4.2"),
    ("pandas", "2.2.2"),
    ("scipy", "1.13"),
    ("statsmodels", "0.14.2"),
    ("pyarrow", "16.1"),
    ("h5py", "3.11"),
    ("matplotlib", "3.8.4"),
    ("numexpr", "2.10"),
    ("scikit-image", "0.24"),
    ("pywavelets", "1.6"),
    ("hdbscan", "0.8.37"),
    ("catboost", "1.2.7"),
    ("pmdarima", "2.1"),
)

COMPANIONS = (
    # Compiled against NumPy 1: with NumPy 2 a session ends in a segmentation fault (seen with
    # 1.16.3; 1.19's release notes name NumPy 2 as new).
    Companion("onnxruntime", "<1.19", "numpy<2"),
    *(Companion(name, f"<{since}", "numpy<2") for name, since in _NUMPY_2_SINCE),
    # It uses numpy.float, which NumPy 1.24's release notes name as gone (seen with 0.23.2).
    Companion("scikit-learn", "<0.24.2", "numpy<1.24"),
)


def companions_of(packages: Iterable[PackageEntry]) -> list[str]:
    """Return the constraints that these packages need and do not state."""
    return [
        companion.constraint
        for entry in packages
        for companion in COMPANIONS
        if companion.package == canonicalize_name(entry.name)
        and SpecifierSet(companion.versions).contains(entry.version, prereleases=True)
    ]


def check_faults(packages: Iterable[PackageEntry], target: Target) -> None:
    """Refuse what is known to fail on the target.

    :raises FailsOnTarget: one of the packages does.
    """
    for entry in packages:
        for fault in FAULTS:
            if (
                fault.architecture == target.architecture
                and fault.package == canonicalize_name(entry.name)
                and SpecifierSet(fault.versions).contains(entry.version, prereleases=True)
            ):
                raise FailsOnTarget(f"{entry.name} {entry.version} {fault.reason}", hint=fault.hint)
