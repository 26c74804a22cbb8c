"""Which modules a bundle imports: run by the target's Python, with the standard library alone."""
