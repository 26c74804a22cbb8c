"""Run models and bundles on this machine: Lambda's runtime, S3 and `mlflow models serve`, here."""
