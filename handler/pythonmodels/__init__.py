"""What custom Python models name of MLflow, in a small: so that its bundle does without.

Only the loader of `python_function` imports this package, and only for models that name
nothing else of MLflow; `packager/model/mlflow_use.py` finds that out when the bundle is built.
"""
