"""torch comes without CUDA, or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from handler.manifest import PackageEntry
from packager.aws.runtimes import find_target
from packager.errors import IndexUnreachable
from packager.lock.resolve import Question, UvResolver
from packager.lock.torch_cpu import resolve_without_cuda
from packager.packages.install import install_lock
from packager.support.uv import Indexes
from tests.support.wheels import make_wheel

CUDA = {"torch": "2.13.0", "nvidia-cublas": "13.1"}
FOR_CPU = {"torch": "2.13.0+cpu"}
ANYTHING = {"lib": "1.0"}
FOLDER = Indexes(find_links=("wheels",))

Index = dict[str, str] | None
"""The packages that an index answers with; None: it does not answer."""


def world(default: Index, pytorch: Index) -> Callable[[Indexes], dict[str, str]]:
    """Return a resolver where the default index, and PyTorch's own, have these packages."""

    def resolve(indexes: Indexes) -> dict[str, str]:
        found = default if indexes.torch_backend is None else pytorch
        if found is None:
            raise IndexUnreachable("no answer")
        return found

    return resolve


def resolved(
    indexes: Indexes, *, default: Index, pytorch: Index
) -> tuple[dict[str, str], str | None]:
    packages, places = resolve_without_cuda(
        world(default, pytorch),
        lambda found: [PackageEntry(*item) for item in found.items()],
        indexes,
    )
    return packages, places.torch_backend


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)


def test_torch_comes_from_pytorchs_own_index() -> None:
    assert resolved(Indexes(), default=CUDA, pytorch=FOR_CPU) == (FOR_CPU, "cpu")


def test_a_folder_of_the_users_own_wins_where_it_has_the_cpu_build() -> None:
    assert resolved(FOLDER, default=FOR_CPU, pytorch=None) == (FOR_CPU, None)


def test_a_torch_of_the_users_own_without_cuda_is_taken_whatever_its_version() -> None:
    own = {"torch": "2.13.0"}

    assert resolved(FOLDER, default=own, pytorch=FOR_CPU) == (own, None)


def test_a_folder_without_the_cpu_build_does_not_bring_cuda() -> None:
    assert resolved(FOLDER, default=CUDA, pytorch=FOR_CPU) == (FOR_CPU, "cpu")


@pytest.mark.parametrize("indexes", [Indexes(), FOLDER])
def test_cuda_is_never_taken_because_the_cpu_build_is_out_of_reach(indexes: Indexes) -> None:
    with pytest.raises(IndexUnreachable, match="CPU build of torch cannot be had") as raised:
        resolved(indexes, default=CUDA, pytorch=None)

    assert "--find-links" in str(raised.value.hint)


def test_what_uvs_own_configuration_has_without_cuda_will_do() -> None:
    assert resolved(Indexes(), default=FOR_CPU, pytorch=None) == (FOR_CPU, None)


def test_an_index_that_does_not_answer_is_no_matter_of_torch() -> None:
    with pytest.raises(IndexUnreachable, match="no answer"):
        resolved(Indexes(), default=None, pytorch=None)


def test_other_packages_that_use_a_gpu_are_left_alone() -> None:
    gpu = {"cupy-cuda13x": "13.6", "nvidia-cublas": "13.1"}

    assert resolved(FOLDER, default=gpu, pytorch=ANYTHING) == (gpu, None)


def test_uvs_own_variable_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_TORCH_BACKEND", "cu130")

    assert resolved(Indexes(), default=CUDA, pytorch=FOR_CPU) == (CUDA, None)


def test_the_cpu_build_is_locked_and_installed_by_its_local_version(
    index: Path, tmp_path: Path
) -> None:
    make_wheel(index, "nvidia-cublas", "13.1")
    make_wheel(index, "torch", "2.13.0", requires=["nvidia-cublas"])
    make_wheel(index, "torch", "2.13.0+cpu")
    target = find_target("python3.12", "x86_64")
    question = Question(("torch==2.13.0",), target, indexes=Indexes(find_links=(str(index),)))

    lock = UvResolver().resolve(question)
    again = UvResolver().resolve(question, preferences=lock.pins)
    (tree := tmp_path / "tree").mkdir()
    install_lock(again, target, tree)

    assert [(package.name, package.version) for package in lock.packages] == [
        ("torch", "2.13.0+cpu")
    ]
    assert again.text == lock.text
    assert (tree / "torch-2.13.0+cpu.dist-info").is_dir()
