"""The `packager` command: parse, call, print; no decision is made here.

Only this room prints or exits, and nothing imports it.
"""
