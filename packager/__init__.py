"""From an MLflow model to an AWS Lambda endpoint that speaks MLflow's scoring protocol."""

__version__ = "0.1.0"
