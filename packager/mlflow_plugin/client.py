"""MLflow's client for the target `lambda`: a deployment is a stack of packager's template."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlflow.deployments import BaseDeploymentClient, PredictionsResponse
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST

from packager.api.builds import build, plan
from packager.api.models import open_model
from packager.api.settings import build_config, source_options
from packager.api.stacks import deploy
from packager.building.story import BuildReport
from packager.deploying.clients import Clients, make_clients
from packager.deploying.plan import stored_at
from packager.deploying.removal import destroy
from packager.deploying.report import deployed_stacks, report_of
from packager.deploying.stack import NEVER_LIVED, Stack, check_name, read_stack, template_of
from packager.deploying.steps import check_ours
from packager.mlflow_plugin.errors import DeploymentError, mlflow_errors, wrong_value
from packager.mlflow_plugin.options import DeployOptions, read_options
from packager.mlflow_plugin.predictions import predict
from packager.mlflow_plugin.talk import Talk
from packager.storage.client import split_s3_uri

Config = Mapping[str, Any] | None


@contextmanager
def _answering(endpoint: str | None) -> Iterator[None]:
    if endpoint is not None:
        raise wrong_value("a deployment to Lambda has an endpoint of its own: leave --endpoint out")
    with mlflow_errors():
        yield


class LambdaDeploymentClient(BaseDeploymentClient):  # type: ignore[misc]
    """Deploys models to AWS Lambda.

    Of MLflow's arguments `endpoint` is refused: it is for targets that share one.

    :param target_uri: `lambda`, or `lambda:/REGION`.
    :raises MlflowException: by all methods; with the next step in its message.
    """

    def __init__(self, target_uri: str) -> None:
        super().__init__(target_uri)
        self._region = target_uri.partition(":")[2].strip("/") or None

    def create_deployment(
        self,
        name: str,
        model_uri: str,
        flavor: str | None = None,
        config: Config = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Build the model, deploy it, test it, and give it traffic.

        A creation that was interrupted is gone on with by calling this again.

        :param flavor: of a bare model file that does not tell; else the one that it is served by.
        :param config: `target_help` describes it.
        :returns: `name`, `flavor`, `endpoint`, `live_version` and more.
        """
        with _answering(endpoint):
            check_name(name)
            options = read_options(config, flavor)
            clients = self._clients()
            stack = read_stack(clients, name)
            if stack is not None:
                check_ours(clients, stack)
            if stack is not None and "Endpoint" in stack.outputs:
                raise DeploymentError(
                    f"there is a deployment {name} already: update it, or delete it first",
                    RESOURCE_ALREADY_EXISTS,
                )
            return self._deploy(clients, stack, name, model_uri, options)

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: Config = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Deploy another model, or the same with other settings, and move traffic to it.

        :returns: as `create_deployment` does.
        """
        with _answering(endpoint):
            options = read_options(config, flavor)
            if model_uri is None:
                raise wrong_value("a new version is built from its model: give --model-uri too")
            clients = self._clients()
            stack = _existing(clients, name)
            return self._deploy(clients, stack, name, model_uri, options)

    def delete_deployment(
        self, name: str, config: Config = None, endpoint: str | None = None
    ) -> None:
        """Delete the stack; one that is not there is no error. What is in S3 stays.

        :param config: there are no settings for this.
        """
        with _answering(endpoint):
            if config:
                names = ", ".join(map(str, config))
                raise wrong_value(f"deleting takes no settings, but was given {names}")
            check_name(name)
            clients, talk = self._clients(), Talk()
            done = destroy(clients, name, approve=lambda: True, progress=talk)
            if not done.was_there:
                talk.warn(f"there is no stack {name} in {clients.region}: nothing was deleted")

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return `name`, `status` and `endpoint` of each stack of packager's in the region."""
        with _answering(endpoint):
            return [
                {
                    "name": stack.name,
                    "status": stack.status,
                    "endpoint": stack.outputs.get("Endpoint"),
                }
                for stack in deployed_stacks(self._clients())
            ]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:
        """Return what `packager status` knows: endpoint, live version, all versions."""
        with _answering(endpoint):
            clients = self._clients()
            return asdict(report_of(clients, _existing(clients, name)))

    def predict(
        self, deployment_name: str | None = None, inputs: Any = None, endpoint: str | None = None
    ) -> PredictionsResponse:
        """Ask the live version, with the right to invoke the function: its API is not needed.

        :param inputs: a pandas DataFrame, a numpy array, or a body for /invocations as a dict.
        """
        with _answering(endpoint):
            if not deployment_name:
                raise wrong_value("say which deployment: --name")
            if inputs is None:
                raise wrong_value("say what to predict for: inputs")
            clients = self._clients()
            stack = _existing(clients, deployment_name)
            if "Endpoint" not in stack.outputs or stack.function_name is None:
                raise DeploymentError(f"no version of {deployment_name} is live yet")
            return predict(clients, stack.function_name, inputs)

    def _clients(self) -> Clients:
        return make_clients(self._region)

    def _deploy(
        self,
        clients: Clients,
        stack: Stack | None,
        name: str,
        model_uri: str,
        options: DeployOptions,
    ) -> dict[str, Any]:
        bucket, prefix = _place(clients, stack, options)
        with tempfile.TemporaryDirectory(prefix="packager-") as folder:
            talk = Talk()
            built = _built(model_uri, options, Path(folder) / "dist", talk)
            done = deploy(
                built, name, bucket, prefix, options.parameters, region=self._region, progress=talk
            )
        return {"name": name, "flavor": built.manifest.model.flavor} | asdict(done)


def _existing(clients: Clients, name: str) -> Stack:
    check_name(name)
    stack = read_stack(clients, name)
    if stack is None or stack.is_empty:
        raise DeploymentError(
            f"there is no deployment {name} in {clients.region}", RESOURCE_DOES_NOT_EXIST
        )
    check_ours(clients, stack)
    return stack


def _place(clients: Clients, stack: Stack | None, options: DeployOptions) -> tuple[str, str | None]:
    """Return bucket and prefix; by default those of the deployment before."""
    before = None
    if stack is not None and not stack.is_empty and stack.status not in NEVER_LIVED:
        before = stored_at(template_of(clients, stack))
    known_bucket, known_prefix = split_s3_uri(before) if before else ("", "")
    bucket = options.bucket or known_bucket or os.environ.get("PACKAGER_BUCKET")
    if not bucket:
        raise wrong_value("say which S3 bucket the model goes to: -C bucket=my-models")
    return bucket, options.prefix or known_prefix or None


def _built(model_uri: str, options: DeployOptions, output: Path, talk: Talk) -> BuildReport:
    config, is_checked = build_config(options.build), not options.build["no-check"]
    talk.step(f"Opening {model_uri}")
    with open_model(model_uri, **source_options(options.build), progress=talk) as model:
        planned = plan(model, config, output=output, progress=talk)
        for warning in planned.warnings:  # before the check runs the model's code
            talk.warn(warning)
        is_strict = options.build["strict"]
        report = build(planned, output, is_checked=is_checked, is_strict=is_strict, progress=talk)
    for warning in report.warnings[len(planned.warnings) :]:
        talk.warn(warning)
    return report
