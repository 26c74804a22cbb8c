"""An MLflow model folder, read without running it: what it is, holds, needs and may execute.

The rest of a build asks `mlmodel.read_mlmodel` once and works on the `ModelSpec` it returns.
"""
