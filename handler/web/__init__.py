"""HTTP: Lambda events, the ASGI app, the routes of MLflow's server, and their documentation.

It is the top floor: only `main` imports it.
"""
