"""Whether a bundle is proven: what it takes, what is missing, and how to get that."""

from collections.abc import Iterable

from handler.manifest import CheckEntry, ProofEntry
from packager.checking.report import Problem
from packager.checking.running import INIT, PREDICTION, SAME

NOT_CHECKED = ProofEntry("not run", "it was not checked")
"""Of a bundle that was built with `--no-check`."""
_WORDS = {"proven": "proven", "not compared": "run, no prediction compared", "not run": "not run"}
_WAYS = {
    "not compared": "A prediction is compared with the source model's where there is one to ask for"
    " and the model to ask: log the model with an input example (a bare file: --input-example), and"
    " give `packager check` the model with --model.",
    "not run": "The function runs where its target can: on a machine of its architecture that has"
    " its Python (a CI runner of that kind), and unless --no-check or --static keeps it from it.",
}


def proof_of(entries: Iterable[CheckEntry]) -> ProofEntry:
    """Return how far a bundle is proven by these checks.

    Proven is one whose function ran on its target's Python and architecture, answered, and
    answered what the source model does.
    """
    made = {entry.name: entry for entry in entries}
    if made[INIT].status == "not made":
        return ProofEntry("not run", made[INIT].detail)
    for name in (INIT, PREDICTION, SAME):
        if made[name].status != "passed":
            return ProofEntry("not compared", made[name].detail)
    return ProofEntry("proven", made[SAME].detail)


def describe_proof(proof: ProofEntry) -> str:
    """Return the state and its reason in one line."""
    return f"{_WORDS[proof.state]}: {proof.reason}"


def problem_of_proof(proof: ProofEntry) -> Problem | None:
    """Return what a bundle lacks to be proven, and how to get it; None: nothing."""
    if proof.state == "proven":
        return None
    return Problem(f"the bundle is not proven ({describe_proof(proof)})", _WAYS[proof.state])
