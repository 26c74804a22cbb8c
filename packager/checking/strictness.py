"""For those who want it: whether the function ran in what Lambda gives and in nothing more."""

from collections.abc import Sequence

from packager.checking.report import Check, Measurements, Problem

NAME = "as strict as Lambda"
_WAY = (
    "Check on Linux 5.12 or newer where user namespaces are allowed (in a container they often"
    " are not), or leave out --strict."
)


def check_strictness(found: Measurements, made: Sequence[Check]) -> Check:
    """Return a check that fails where anything was not kept from the function.

    :param made: the checks that ran the function; where they did not, they say why.
    """
    if found.not_enforced is None:
        reason = made[0].entry.detail
        return Check.of(NAME, [Problem(f"the function did not run here: {reason}", _WAY)], "")
    problems = []
    if found.not_enforced:
        problems.append(Problem(f"not enforced here: {'; '.join(found.not_enforced)}", _WAY))
    return Check.of(NAME, problems, "it had what Lambda gives it, and nothing else")
