"""MLflow's deployments plugin: `mlflow deployments create -t lambda`.

MLflow finds `plugin` by the entry point `mlflow.deployments`.
"""
