"""What Packager costs, measured: run each module with `python -m`."""
