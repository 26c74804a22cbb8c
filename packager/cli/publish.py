"""`packager publish`."""

import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from packager.cli.bundle_options import bucket_option, bundle_argument, prefix_option
from packager.cli.output import Console, json_option, pass_console

if TYPE_CHECKING:
    from packager.storage.publish import PublishReport


@click.command(
    epilog="""
    \b
    Examples:
      packager publish dist/ --bucket my-models
      packager publish dist/ --bucket my-models --prefix teams/fraud --json
      AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000 packager publish dist/ --bucket test --create-bucket
    """
)
@bundle_argument
@bucket_option(required=True, help="Bucket to put the bundle into.")
@prefix_option(default="packager", show_default=True, help="Prefix of the keys.")
@click.option("--create-bucket", is_flag=True, help="Make the bucket if there is none.")
@json_option
@pass_console
def command(console: Console, bundle: Path, bucket: str, prefix: str, create_bucket: bool) -> None:
    """Put BUNDLE's model, function zip and, where there is one, layer into S3.

    The keys name the content: publishing again sends nothing, and no key ever changes what
    it holds. A container image goes to a registry instead: `sam deploy`, or `docker push`,
    sends it there; its model is put into S3 here, unless it is embedded. Your AWS settings
    (AWS_PROFILE, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, ...) apply.
    """
    from packager.api.bundles import publish
    from packager.bundle.folder import TEMPLATE_NAME

    report = publish(bundle, bucket, prefix, create_bucket=create_bucket, progress=console)
    deploy = _deploy_command(bundle / TEMPLATE_NAME, prefix, report)
    console.show(asdict(report) | {"deploy_command": deploy}, _lines(bundle, report, deploy))


def _lines(bundle: Path, report: "PublishReport", deploy: str) -> Iterator[str]:
    stored = {"model": report.model, "layer": report.layer, "function": report.function}
    for kind, item in stored.items():
        if item:
            yield f"{kind:<8}  s3://{report.bucket}/{item.key}"
    if not report.function:
        yield (
            "image     not in S3: `sam build` builds it and `sam deploy` pushes it to a registry,"
            f" or `docker build --provenance=false {bundle}` and `docker push` by hand"
        )
    yield f"deploy    {deploy}"


def _deploy_command(template: Path, prefix: str, report: "PublishReport") -> str:
    from packager.bundle.keys import models_prefix

    if report.function:
        build = ""
        parts = ["sam", "deploy", "--template-file", str(template), "--stack-name", "my-model"]
    else:
        # The image is built on the deploying machine; what `sam build` writes is the default
        # template of `sam deploy`.
        build = shlex.join(["sam", "build", "--template-file", str(template)]) + " && "
        parts = ["sam", "deploy", "--resolve-image-repos", "--stack-name", "my-model"]
    # SAM uploads the zip once more, under a name of its own.
    parts += ["--s3-bucket", report.bucket, "--s3-prefix", f"{prefix.strip('/')}/sam".lstrip("/")]
    parts += ["--capabilities", "CAPABILITY_IAM"]
    values = {}
    if report.model:
        values["ModelBucket"] = report.bucket
        values["ModelPrefix"] = models_prefix(prefix)
        values["ModelSha256"] = report.model.sha256
    if report.function:
        # SAM would keep those that `packager deploy` gave the stack, and publish nothing.
        digests = [item.sha256 for item in report.objects]
        values["LiveVersion"] = "newest"
        values["Revision"] = hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16]
    if values:
        parts += ["--parameter-overrides", *(f"{name}={value}" for name, value in values.items())]
    return build + shlex.join(parts)
