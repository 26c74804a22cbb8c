from pathlib import Path

from packager.aws.runtimes import find_target
from packager.packages.shared_libraries import provide_libraries
from tests.support.elf_files import AARCH64, make_elf

TARGET = find_target("python3.11", "x86_64")
OPENMP = "scikit_learn.libs/libgomp-a34b3233.so.1.0.0"


def lay_out(staging: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def lightgbm() -> bytes:
    return make_elf(
        needed=["libgomp.so.1", "libc.so.6"], versions={"libgomp.so.1": ["GOMP_4.0", "OMP_1.0"]}
    )


def openmp(*versions: str) -> bytes:
    return make_elf(needed=["libc.so.6"], soname="libgomp-a34b3233.so.1.0.0", defined=versions)


def test_a_library_that_lambda_lacks_comes_from_another_wheel(tmp_path: Path) -> None:
    content = openmp("GOMP_4.0", "OMP_1.0")
    lay_out(tmp_path, {"lightgbm/lib_lightgbm.so": lightgbm(), OPENMP: content})

    (provided,) = provide_libraries(tmp_path, TARGET)

    assert provided.name == "libgomp.so.1"
    assert provided.source == OPENMP
    assert provided.needed_by == ("lightgbm/lib_lightgbm.so",)
    assert provided.size_bytes == len(content)
    assert (tmp_path / "lib/libgomp.so.1").read_bytes() == content
    assert provide_libraries(tmp_path, TARGET) == (), "once is enough"


def test_a_copy_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    lay_out(tmp_path, {"lightgbm/lib_lightgbm.so": lightgbm(), OPENMP: openmp("GOMP_4.0")})

    assert provide_libraries(tmp_path, TARGET) == ()
    assert not (tmp_path / "lib").exists()


def test_a_copy_for_another_machine_is_not_taken(tmp_path: Path) -> None:
    other = make_elf(AARCH64, defined=["GOMP_4.0", "OMP_1.0"])
    lay_out(tmp_path, {"lightgbm/lib_lightgbm.so": lightgbm(), OPENMP: other})

    assert provide_libraries(tmp_path, TARGET) == ()


def test_what_the_copy_needs_itself_comes_along(tmp_path: Path) -> None:
    fortran = make_elf(needed=["libquadmath-96973f99.so.0.0.0"], runpath="$ORIGIN")
    lay_out(
        tmp_path,
        {
            "solver/core.so": make_elf(needed=["libgfortran.so.5"]),
            "scipy.libs/libgfortran-040039e1.so.5.0.0": fortran,
            "scipy.libs/libquadmath-96973f99.so.0.0.0": make_elf(needed=["libm.so.6"]),
        },
    )

    names = [library.name for library in provide_libraries(tmp_path, TARGET)]

    assert names == ["libgfortran.so.5", "libquadmath-96973f99.so.0.0.0"]


def test_what_lambda_or_the_package_itself_has_is_left_alone(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        {
            "numpy/core.so": make_elf(
                needed=["libblas-8fb3d286.so", "libstdc++.so.6", "libz.so.1"],
                runpath="$ORIGIN/../numpy.libs",
            ),
            "numpy.libs/libblas-8fb3d286.so": make_elf(),
            "numpy.libs/libz-0123abcd.so.1.2": make_elf(),
            "torch/_C.so": make_elf(needed=["libtorch.so"]),  # which torch loads itself
            "torch/lib/libtorch.so": make_elf(),
        },
    )

    assert provide_libraries(tmp_path, TARGET) == ()
