"""A build: `plan` decides everything before anything is written, `story` carries the plan out.

The bundle takes its place as a whole or not at all.
"""
