"""Models from wherever they are: a local MLflow model folder for a path, a URI or a bare file.

`model_uri.open_model` is the only door.
"""
