"""The SAM template: what it says, and that nothing else can be deployed with it."""

import dataclasses
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo
from packager.aws.runtimes import ARCHITECTURES, RUNTIMES
from packager.bundle.template import render_template
from tests.template.reading import parse

ROOT = Path(__file__).parents[3]
SHA = "ab" * 32


def manifest(**changes: Any) -> BundleManifest:
    return dataclasses.replace(
        BundleManifest(
            packager_version="0.1.0",
            target=TargetInfo("python3.12", "arm64"),
            model=ModelInfo("sklearn", "model.skops", "skops"),
            model_source="s3",
            model_archive=FileEntry("model.zip", 1000, SHA),
        ),
        **changes,
    )


LAYER = FileEntry("layer.zip", 75_000_000, "cd" * 32)
EMBEDDED = manifest(model_source="embedded", model_archive=None)
IMAGE = manifest(model_source="embedded", model_archive=None, package_type="image")
TEMPLATES = {
    "general": render_template(code_uri="dist/function.zip"),
    "bundle": render_template(manifest()),
    "embedded": render_template(EMBEDDED),
    "layer": render_template(manifest(layer=LAYER)),
    "layer, nothing in S3": render_template(dataclasses.replace(EMBEDDED, layer=LAYER)),
    "image": render_template(IMAGE),
    "image with its model in S3": render_template(manifest(package_type="image")),
}


def render_script() -> ModuleType:
    path = ROOT / "scripts" / "render_examples.py"
    spec = importlib.util.spec_from_file_location("render_examples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_template_at_the_top_is_the_rendered_one(tmp_path: Path) -> None:
    render_script().render(tmp_path)
    ours, rendered = ROOT / "template.yaml", tmp_path / "template.yaml"
    assert ours.read_text() == rendered.read_text(), "run scripts/render_examples.py"


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATES[name])
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "W", "--template", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_api_is_closed_unless_a_parameter_opens_it(name: str) -> None:
    template = parse(TEMPLATES[name])
    assert template["Parameters"]["Auth"]["Default"] == "AWS_IAM"
    routes = {
        resource["Properties"]["RouteKey"]: resource["Properties"]["AuthorizationType"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }
    paths = {"/invocations": "POST", "/ping": "GET", "/health": "GET", "/version": "GET"}
    own = {f"{method} {path}" for path, method in paths.items()}
    assert set(routes) == own | {f"ANY {path}" for path in paths}
    assert all(authorization == {"Ref": "Auth"} for authorization in routes.values())


def test_no_wildcard_of_a_prefix_can_widen_the_functions_policy() -> None:
    pattern = parse(TEMPLATES["bundle"])["Parameters"]["ModelPrefix"]["AllowedPattern"]
    for prefix in ("packager/models", "models", "teams/fraud_(new)/models"):
        assert re.match(pattern, prefix)
    for prefix in ("models/*", "models/?", "${aws:username}", "a b", "", "/models", "models/", "*"):
        assert not re.match(pattern, prefix)


def test_a_bundles_template_is_filled_in() -> None:
    template = parse(TEMPLATES["bundle"])
    defaults = {name: item.get("Default") for name, item in template["Parameters"].items()}
    assert defaults["ModelBucket"] is None
    assert defaults["ModelPrefix"] == "packager/models"
    variables = template["Resources"]["ModelFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["MODEL_KEY"] == {"Fn::Sub": "${ModelPrefix}/${ModelSha256}/model.zip"}
    assert defaults["ModelSha256"] == SHA
    assert (defaults["Runtime"], defaults["Architecture"]) == ("python3.12", "arm64")
    assert template["Parameters"]["Runtime"]["AllowedValues"] == ["python3.12"]
    assert template["Resources"]["ModelFunction"]["Properties"]["CodeUri"] == "function.zip"


def test_the_general_template_offers_every_target() -> None:
    parameters = parse(TEMPLATES["general"])["Parameters"]
    assert parameters["Runtime"]["AllowedValues"] == [runtime.name for runtime in RUNTIMES]
    assert parameters["Architecture"]["AllowedValues"] == list(ARCHITECTURES)
    assert "Default" not in parameters["ModelBucket"]


def test_an_embedded_model_needs_no_s3() -> None:
    template = parse(TEMPLATES["embedded"])
    properties = template["Resources"]["ModelFunction"]["Properties"]
    assert "Environment" not in properties
    assert "ModelUri" not in template["Outputs"]
    assert not any(name.startswith(("Model", "S3")) for name in template["Parameters"])


def test_the_function_takes_its_dependencies_from_the_layer() -> None:
    template = parse(TEMPLATES["layer"])
    layer = template["Resources"]["DependencyLayer"]
    assert layer["Type"] == "AWS::Serverless::LayerVersion"
    assert layer["Properties"]["ContentUri"] == "layer.zip"
    assert layer["Properties"]["CompatibleRuntimes"] == [{"Ref": "Runtime"}]
    assert layer["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert layer["Properties"]["RetentionPolicy"] == "Retain"
    assert layer["Properties"]["LayerName"] == "packager-python3-12-arm64-cdcdcdcdcdcd"
    (used,) = template["Resources"]["ModelFunction"]["Properties"]["Layers"]
    assert used == {"Fn::If": ["MakesLayer", {"Ref": "DependencyLayer"}, {"Ref": "LayerArn"}]}
    assert "Layers" not in parse(TEMPLATES["bundle"])["Resources"]["ModelFunction"]["Properties"]


def test_stacks_can_share_a_layer_that_one_of_them_made() -> None:
    template = parse(TEMPLATES["layer"])
    parameter = template["Parameters"]["LayerArn"]
    assert parameter["Default"] == ""
    assert template["Conditions"]["MakesLayer"] == {"Fn::Equals": [{"Ref": "LayerArn"}, ""]}
    assert template["Resources"]["DependencyLayer"]["Condition"] == "MakesLayer"
    assert "LayerArn" in template["Outputs"]
    for arn in ("", "arn:aws-cn:lambda:cn-north-1:123456789012:layer:packager-x_1:17"):
        assert re.match(parameter["AllowedPattern"], arn)
    assert not re.match(parameter["AllowedPattern"], "arn:aws:lambda:x:123456789012:layer:name")


def test_an_image_is_built_from_the_bundles_own_folder() -> None:
    template = parse(TEMPLATES["image"])
    function = template["Resources"]["ModelFunction"]
    assert function["Metadata"]["Dockerfile"] == "Dockerfile"
    assert function["Metadata"]["DockerContext"] == "."
    assert function["Properties"]["PackageType"] == "Image"
    # Lambda refuses an image that is given one of these.
    assert not {"CodeUri", "Handler", "Runtime", "Layers"} & set(function["Properties"])
    assert "Runtime" not in template["Parameters"]
    with_model = parse(TEMPLATES["image with its model in S3"])
    assert "Environment" in with_model["Resources"]["ModelFunction"]["Properties"]


def test_images_of_different_bundles_have_different_tags() -> None:
    def tag(**changes: Any) -> str:
        template = parse(render_template(dataclasses.replace(IMAGE, **changes)))
        return str(template["Resources"]["ModelFunction"]["Metadata"]["DockerTag"])

    other = ModelInfo("sklearn", "model.skops", "skops", model_id="m-2")
    assert tag() != tag(model=other)
    assert tag() == tag(artifacts=(FileEntry("function.zip", 1, SHA),))
    assert re.fullmatch(r"python3\.12-[0-9a-f]{12}", tag())


def test_the_s3_address_is_no_variable_of_the_function_unless_it_is_given() -> None:
    template = parse(TEMPLATES["bundle"])
    variables = template["Resources"]["ModelFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["AWS_ENDPOINT_URL_S3"] == {
        "Fn::If": ["HasS3Endpoint", {"Ref": "S3EndpointUrl"}, {"Ref": "AWS::NoValue"}]
    }
    assert template["Parameters"]["S3EndpointUrl"]["Default"] == ""


def test_the_api_stands_before_the_function() -> None:
    """`sam local start-api` decides by the first resource how it looks for routes."""
    names = list(parse(TEMPLATES["bundle"])["Resources"])
    assert names.index("InvocationsRoute") < names.index("ModelFunction")


@pytest.mark.parametrize("name", TEMPLATES)
def test_logs_are_json_and_do_not_stay_for_ever(name: str) -> None:
    template = parse(TEMPLATES[name])
    logging = template["Resources"]["ModelFunction"]["Properties"]["LoggingConfig"]
    assert logging == {"LogFormat": "JSON", "LogGroup": {"Ref": "LogGroup"}}
    retention = template["Resources"]["LogGroup"]["Properties"]["RetentionInDays"]
    assert retention == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize(
    ("model_mb", "serialization_format", "expected"),
    [
        (1, "cloudpickle", (1769, 512, 30)),
        (600, "cloudpickle", (1769, 765, 50)),
        (600, "skops", (1792, 765, 50)),  # which is in memory twice while it is loaded
        (2_000, "cloudpickle", (2560, 2100, 110)),
        (100_000, "cloudpickle", (10_240, 10_240, 900)),
    ],
)
def test_memory_room_and_time_grow_with_the_model(
    model_mb: int, serialization_format: str, expected: tuple[int, int, int]
) -> None:
    files = (FileEntry("MLmodel", 0, SHA), FileEntry("model", model_mb * 10**6, SHA))
    info = ModelInfo("sklearn", "model", serialization_format, files=files)
    parameters = parse(render_template(manifest(model=info)))["Parameters"]
    names = ("MemorySize", "EphemeralStorage", "Timeout")
    assert tuple(parameters[name]["Default"] for name in names) == expected


def test_a_model_in_the_image_takes_no_room_in_tmp() -> None:
    files = (FileEntry("model", 4 * 10**9, SHA),)
    info = ModelInfo("sklearn", "model", "cloudpickle", files=files)
    parameters = parse(render_template(dataclasses.replace(IMAGE, model=info)))["Parameters"]
    assert parameters["EphemeralStorage"]["Default"] == 512
    assert parameters["MemorySize"]["Default"] == 4352


def test_equal_manifests_render_equal_text() -> None:
    assert render_template(manifest()) == render_template(manifest())
