"""What the plugin says while it works."""

from packager.cli.output import Console


class Talk(Console):
    """Says everything on stderr: stdout is MLflow's, or the program's that calls it."""

    def result(self, text: str) -> None:
        """Say a command's result as a fact of the step under way."""
        for line in text.splitlines():
            self.detail(line)
