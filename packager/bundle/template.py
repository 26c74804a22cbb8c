"""The CloudFormation (SAM) template of a bundle."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from handler.facts_for_builder import ERRORS_METRIC, METRIC_NAMESPACE
from handler.manifest import BundleManifest
from packager.aws.runtimes import ARCHITECTURES, DEFAULT_TMP_MIB, ONE_VCPU_MEMORY_MIB, RUNTIMES
from packager.bundle.keys import DEFAULT_PREFIX, models_prefix
from packager.bundle.sizing import HTTP_API_TIMEOUT_S, Sizing, size_function
from packager.support.rendering import render

ROUTES = (
    ("Invocations", "POST", "/invocations"),
    ("Ping", "GET", "/ping"),
    ("Health", "GET", "/health"),
    ("Version", "GET", "/version"),
)
"""Resource name, method and path of each route that MLflow's server has."""

API_ALARMS = (
    (
        "HttpApi",
        "IsHttp",
        "5xx",
        "AWS/ApiGateway",
        (("ApiId", "!Ref HttpApi"), ("Stage", "$default")),
    ),
    (
        "RestApi",
        "IsRest",
        "5XXError",
        "AWS/ApiGateway",
        (("ApiName", "!Ref AWS::StackName"), ("Stage", "live")),
    ),
    (
        "FunctionUrl",
        "IsUrl",
        "Url5xxCount",
        "AWS/Lambda",
        (("FunctionName", "!Ref ModelFunction"), ("Resource", "!Sub ${ModelFunction}:live")),
    ),
)
"""Resource, condition, metric, namespace and dimensions of what each kind of API says of errors.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
"""


def render_template(
    manifest: BundleManifest | None = None, *, code_uri: str = "function.zip"
) -> str:
    """Return `template.yaml` for a bundle: equal manifests give equal text.

    :param manifest: the bundle's; None gives the general template, whose parameters leave
        model and target open.
    :param code_uri: where the function zip is, seen from the template; of no matter for a
        container image, which is built from the template's own folder.
    """
    values = _general_values() if manifest is None else _bundle_values(manifest)
    return _render(**values, code_uri=code_uri)


def render_source_template(runtime: str, architecture: str, *, code_uri: str) -> str:
    """Return `template.yaml` for a function that `sam build` builds, its model inside.

    :param runtime: a Lambda runtime by name.
    :param architecture: Lambda's instruction set by name.
    :param code_uri: the folder of the Makefile that calls `packager build`, seen from the template.
    """
    values = _general_values() | {
        "is_s3": False,
        "runtime": runtime,
        "runtimes": [runtime],
        "architecture": architecture,
        "architectures": [architecture],
    }
    return _render(**values, code_uri=code_uri, is_source=True)


def _render(*, is_source: bool = False, **values: Any) -> str:
    return render(
        "packager.bundle",
        "template.yaml.j2",
        **values,
        is_source=is_source,
        model_prefix=models_prefix(DEFAULT_PREFIX),
        routes=ROUTES,
        api_alarms=API_ALARMS,
        metric_namespace=METRIC_NAMESPACE,
        errors_metric=ERRORS_METRIC,
    )


def _general_values() -> dict[str, Any]:
    return {
        "description": "An MLflow model behind MLflow's scoring protocol, built by packager.",
        "function_description": "Serves an MLflow model",
        "is_s3": True,
        "is_image": False,
        "layer_name": None,
        "model_sha256": "",
        "runtime": RUNTIMES[0].name,
        "runtimes": [runtime.name for runtime in RUNTIMES],
        "architecture": ARCHITECTURES[0],
        "architectures": ARCHITECTURES,
        "sizing": Sizing(ONE_VCPU_MEMORY_MIB, DEFAULT_TMP_MIB, HTTP_API_TIMEOUT_S),
    }


def _bundle_values(manifest: BundleManifest) -> dict[str, Any]:
    flavor = manifest.model.flavor
    archive = manifest.model_archive
    return {
        "description": f"An MLflow {flavor} model behind MLflow's scoring protocol,"
        " built by packager.",
        "function_description": f"Serves an MLflow {flavor} model",
        "is_s3": manifest.model_source == "s3",
        "is_image": manifest.package_type == "image",
        "docker_tag": _docker_tag(manifest),
        "flavor": flavor,
        "layer_name": layer_name(manifest),
        "model_sha256": archive.sha256 if archive else "",
        "runtime": manifest.target.runtime,
        "runtimes": [manifest.target.runtime],
        "architecture": manifest.target.architecture,
        "architectures": [manifest.target.architecture],
        "sizing": size_function(manifest.model, manifest.model_source),
    }


def _docker_tag(manifest: BundleManifest) -> str:
    """Return a tag of its own for each bundle: SAM gives all their images the same name."""
    # What is known only when everything is written, the template included, cannot count.
    content = replace(manifest, artifacts=(), checks=()).to_json()
    return f"{manifest.target.runtime}-{sha256(content.encode()).hexdigest()[:12]}"


def layer_name(manifest: BundleManifest) -> str | None:
    """Return a name of its own for each content: equal layers are versions of one layer.

    :returns: None for a bundle without a layer.
    """
    if manifest.layer is None:
        return None
    runtime = manifest.target.runtime.replace(".", "-")
    return f"packager-{runtime}-{manifest.target.architecture}-{manifest.layer.sha256[:12]}"
