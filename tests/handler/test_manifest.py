import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.errors import ConfigError
from handler.manifest import BundleManifest, FileEntry, read_manifest


def test_a_manifest_survives_the_way_through_its_file(
    make_bundle: Callable[..., Any], write_task_root: Callable[[Any], Path]
) -> None:
    bundle = make_bundle(trusted_types=("a.B",))
    assert read_manifest(write_task_root(bundle)) == bundle.manifest


def test_a_manifest_with_a_layer_survives_too(make_bundle: Callable[..., Any]) -> None:
    layer = FileEntry("layer.zip", 75_000_000, "ab" * 32)
    manifest = dataclasses.replace(make_bundle().manifest, layer=layer)

    assert BundleManifest.from_json(manifest.to_json()) == manifest


def test_a_missing_manifest_names_the_file_and_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bundle\.json cannot be read.*function\.zip"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema_version": 6}', "\xff"])
def test_a_damaged_manifest_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "bundle.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"bundle\.json is damaged"):
        read_manifest(tmp_path)


def test_a_manifest_of_another_version_says_rebuild(make_bundle: Callable[..., Any]) -> None:
    document = json.loads(make_bundle().manifest.to_json())
    document["schema_version"] = 99
    with pytest.raises(ConfigError, match=r"schema version 99.*rebuild"):
        BundleManifest.from_json(json.dumps(document))


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../b", "a\\b"])
def test_a_manifest_with_a_path_that_leaves_the_folder_is_refused(
    make_bundle: Callable[..., Any], path: str
) -> None:
    document = json.loads(make_bundle().manifest.to_json())
    document["model"]["files"][0]["path"] = path
    with pytest.raises(ConfigError, match="unsafe path"):
        BundleManifest.from_json(json.dumps(document))
