"""What a function's log says of what Lambda lacks."""

import pytest

from packager.checking.lacks import lack_behind


@pytest.mark.parametrize(
    ("log", "library"),
    [
        ("ImportError: libGL.so.1: cannot open shared object file: No such file", "libGL.so.1"),
        ("OSError: libgomp.so.1: cannot open shared object file", "libgomp.so.1"),
    ],
)
def test_a_library_of_the_machine_is_named(log: str, library: str) -> None:
    lack = lack_behind(log)

    assert lack is not None
    assert library in lack.message


def test_a_library_that_tensorflow_does_without_is_not_lacking() -> None:
    warning = "Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0:"

    assert lack_behind(f"{warning} cannot open shared object file: No such file") is None
