"""What is read from installed wheels: licences, requirements, files and their sizes."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from packager.packages.distributions import Distribution, read_distributions
from packager.support.uv import run_uv
from tests.support.wheels import make_wheel

TROVE = "Classifier: License :: OSI Approved :: "


def installed(tmp_path: Path, *wheels: Path) -> Path:
    tree = tmp_path / "tree"
    args = ["pip", "install", "--target", str(tree), "--no-deps", "--no-index"]
    run_uv([*args, "--no-installer-metadata", *map(str, wheels)])
    return tree


def test_a_distribution_owns_the_files_that_its_wheel_brought(tmp_path: Path) -> None:
    first = {"first/__init__.py": "x" * 1000, "first.libs/libz.so": "y" * 500}
    wheels = tmp_path / "wheels"
    tree = installed(
        tmp_path,
        make_wheel(wheels, "First_Thing", "1.0", requires=["second>=2", "x; extra == 'y'"]),
        make_wheel(wheels, "second", "2.0", files=first),
    )

    first_thing, second = read_distributions(tree)

    assert (first_thing.name, first_thing.version) == ("first-thing", "1.0")
    assert first_thing.requires == ("second>=2", "x; extra == 'y'")
    assert second.top_level == ("first", "first.libs")
    assert second.tags == ("py3-none-any",)
    own = [*tree.glob("first/*"), *tree.glob("first.libs/*"), *tree.glob("second-*/*")]
    # Not of RECORD, which differs from machine to machine where there are scripts.
    assert second.size_bytes == sum(path.stat().st_size for path in own if path.name != "RECORD")


def test_packages_that_share_a_namespace_own_their_part_of_it(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    tree = installed(
        tmp_path,
        make_wheel(wheels, "ns-a", "1", files={"ns/a/__init__.py": "", "ns/a/deep/m.py": "1"}),
        make_wheel(wheels, "ns-b", "1", files={"ns/b.py": ""}),
    )
    assert [item.top_level for item in read_distributions(tree)] == [("ns/a",), ("ns/b.py",)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: other"], "MIT OR Apache-2.0"),
        (["License: BSD-3-Clause", f"{TROVE}MIT License"], "BSD-3-Clause"),
        (["License: UNKNOWN", f"{TROVE}MIT License"], "MIT License"),
        (
            ["License: Dual License", f"{TROVE}BSD License", f"{TROVE}Apache Software License"],
            "BSD License, Apache Software License",
        ),
        (["License: Copyright (c) A.", "        All rights reserved."], None),
        (["License: Copyright", "        All rights.", f"{TROVE}BSD License"], "BSD License"),
        (["Classifier: License :: OSI Approved", "License-File: LICENSE"], "see LICENSE"),
        ([], None),
    ],
)
def test_the_licence_is_what_the_project_states_most_exactly(
    tmp_path: Path, fields: Sequence[str], expected: str | None
) -> None:
    tree = installed(tmp_path, make_wheel(tmp_path / "wheels", "thing", "1", fields=fields))
    (thing,) = read_distributions(tree)
    assert thing.license == expected


def test_without_the_list_of_files_the_names_count(tmp_path: Path) -> None:
    files = {"thing/__init__.py": "x" * 10, "other.py": "y" * 10}
    tree = installed(tmp_path, make_wheel(tmp_path / "wheels", "thing", "1", files=files))
    (tree / "thing-1.dist-info" / "RECORD").unlink()
    (thing,) = read_distributions(tree)
    assert thing.top_level == ("thing",)
    (tree / "thing-1.dist-info" / "top_level.txt").write_text("thing\nother.py\n")
    (thing,) = read_distributions(tree)
    assert thing.top_level == ("other.py", "thing")


def test_a_distribution_survives_json(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", "thing", "1", requires=["x"], fields=["License: MIT"])
    (thing,) = read_distributions(installed(tmp_path, wheel))
    assert Distribution.from_dict(json.loads(json.dumps(thing.to_dict()))) == thing
