"""What `import packager` offers: models, bundles and deployed stacks, a function for each step.

The command line and MLflow's plugin call these functions, and so may everybody.
"""
