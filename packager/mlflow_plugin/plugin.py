"""MLflow's deployments plugin: `mlflow deployments create -t lambda`.

MLflow finds it through the entry point `mlflow.deployments`, and takes from here the one class of
clients and two functions: https://mlflow.org/docs/latest/plugins.html
"""

from packager.mlflow_plugin.client import LambdaDeploymentClient
from packager.mlflow_plugin.local import run_local
from packager.mlflow_plugin.options import target_help

__all__ = ["LambdaDeploymentClient", "run_local", "target_help"]
