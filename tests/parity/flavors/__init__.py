"""Every flavor from MLflow's `save_model` to its bundle's answer on the real runtime."""
