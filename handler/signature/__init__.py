"""MLflow's signatures: the schema is compiled once, and every request is held against it.

Messages are MLflow's own where MLflow has one.
"""
