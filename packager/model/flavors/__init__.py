"""One row for each flavor of MLflow: how its MLmodel section is read, and what it can need.

`table` looks rows up; other packages add theirs by the entry point `packager.flavors`.
"""
