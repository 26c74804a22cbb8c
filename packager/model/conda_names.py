"""Conda's packages by the names that PyPI has them under: as data.

Sources: the recipes of conda-forge and of Anaconda's defaults, whose `source` is a PyPI archive
of the other name.
"""

import re
from fnmatch import fnmatch

from packaging.utils import canonicalize_name

_PYPI_NAMES = {
    "astropy-base": "astropy",
    "brotli-python": "brotli",
    "cuml-cpu": "cuml",
    "dask-core": "dask",
    "distributed-core": "distributed",
    "faiss": "faiss-cpu",
    "gensim-base": "gensim",
    "keras-base": "keras",
    "keras-gpu": "keras",
    "lightgbm-cpu": "lightgbm",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "onnxruntime-cpp": "onnxruntime",
    "opencv": "opencv-python",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pytables": "tables",
    "python-duckdb": "duckdb",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "pytorch-lightning": "pytorch-lightning",
    "ruamel-yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "shap-base": "shap",
    "spacy-base": "spacy",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "xgboost-base": "xgboost",
}

# Programs and libraries of the system, parts of others, and what conda itself is made of.
_NOT_OF_PYTHON = (
    *(
        "python",
        "cpython",
        "pypy*",
        "python-abi",
        "pip",
        "setuptools",
        "wheel",
        "conda*",
        "mamba*",
        "nb-conda*",
    ),
    *("-libgcc-mutex", "-openmp-mutex", "-*", "lib*", "*-cpp", "ld-impl*", "gcc*", "gxx*"),
    *("gfortran*", "binutils*", "sysroot*", "kernel-headers*", "blas", "blas-devel", "mkl"),
    *("mkl-service", "mkl-fft", "mkl-random", "mkl-include", "openblas*", "nomkl", "intel-openmp"),
    *("llvm-openmp", "llvmdev", "tbb", "numpy-base", "scipy-base", "pandas-base"),
    *("cudatoolkit*", "cuda-*", "cudnn", "nccl", "magma-*", "pytorch-cuda", "pytorch-mutex"),
    *("openssl", "ca-certificates", "krb5", "zlib", "zlib-ng", "zstd", "xz", "bzip2", "lz4-c"),
    *("snappy", "c-ares", "sqlite", "readline", "ncurses", "tk", "icu", "expat", "freetype"),
    *("fontconfig", "jpeg", "jemalloc", "giflib", "lcms2", "lerc", "openjpeg", "pcre*", "qt*"),
    *("glib*", "gst*", "dbus", "xorg-*", "graphviz", "openmpi", "mpi", "mpich", "hdf5", "re2"),
    *("orc", "gflags", "glog", "boost-cpp", "aws-c-*", "aws-sdk-*", "s2n", "tzdata", "openjdk"),
    *("nodejs", "pandoc", "git", "vc", "vs2015-runtime", "vc14-runtime", "ucrt", "m2w64-*"),
    *("msys2-*", "yaml", "zeromq", "icc-rt", "dal", "daal4py", "xgboost-proc", "nodefaults"),
)
_OF_PYTHON_ALL_THE_SAME = frozenset({"librosa", "libcst", "libpysal", "libtpu", "libclang"})
_ITEM = re.compile(r"(?:[\w./-]+::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>.*)")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.?post|\.?dev)\d+)?")


def conda_requirement(item: str) -> str | None:
    """Return a dependency of `conda.yaml` as a PEP 508 line; None: it is nothing of Python's.

    `scikit-learn=1.0.2` asks for that version; what PEP 440 has no words for is left open.
    """
    match = _ITEM.fullmatch(item.partition("#")[0].partition("[")[0].strip())
    if match is None:
        return None
    name = canonicalize_name(match["name"])
    version, build = _parts(match["rest"].strip())
    is_of_system = any(fnmatch(name, glob) for glob in _NOT_OF_PYTHON)
    if is_of_system and name not in _OF_PYTHON_ALL_THE_SAME:
        return None
    # Builds of Python's packages name their Python, or noarch's: py39h6c91a56_3, pyhd8ed1ab_0.
    if build and not build.startswith("py") and name not in _PYPI_NAMES:
        return None
    return _PYPI_NAMES.get(name, name) + version


def _parts(rest: str) -> tuple[str, str]:
    """Return the version as a PEP 440 specifier, and conda's build string."""
    if "|" in rest or not rest:
        return "", ""
    if rest[0] in "<>!~" or rest.startswith("=="):
        return _specifier(rest.replace(" ", "")), ""
    version, _, build = rest.lstrip("= ").replace(" ", "=").partition("=")
    if version.endswith("*"):
        prefix = version.rstrip(".*")
        return (f"=={prefix}.*" if _VERSION.fullmatch(prefix) else ""), build
    if not _VERSION.fullmatch(version):
        return "", build
    # conda's `=1.0` is every 1.0.x.
    return f"=={version}" if version.count(".") > 1 or build else f"=={version}.*", build


def _specifier(text: str) -> str:
    clauses = text.split(",")
    is_plain = all(
        _VERSION.fullmatch(clause.lstrip("<>=!~").removesuffix(".*")) for clause in clauses
    )
    return text if is_plain else ""
