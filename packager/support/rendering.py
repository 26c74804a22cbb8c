"""Render the templates that a room has in its folder `templates/`."""

from typing import Any


def render(room: str, template: str, **values: Any) -> str:
    """Return the text of a template: equal values give equal text.

    :param room: the package that the template belongs to, as `packager.bundle`.
    :param template: its file's name.
    :raises jinja2.UndefinedError: it asks for a value that is not given.
    """
    # jinja2 costs 80 ms to import: only those who render pay for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(room),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        # The output is YAML or a Dockerfile: HTML's escapes would damage it.
        autoescape=False,
    )
    return environment.get_template(template).render(values)
