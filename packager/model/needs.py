"""Which distributions a model can need, where its format leaves no doubt.

A file that loads without running code holds what its library can read and nothing else, so
everything besides that library is MLflow's guess from the modules that happened to be
imported. A pickle, or a model with modules of its own, may need anything.
"""

from dataclasses import dataclass

FRAMES = frozenset({"numpy", "scipy", "pandas"})
SKLEARN = FRAMES | {"scikit-learn", "joblib"}


@dataclass(frozen=True)
class Needs:
    """What a model's file can need."""

    distributions: frozenset[str]
    """Canonical names."""
    reason: str
    """Why nothing else is needed."""
    unused: tuple[tuple[str, str], ...] = ()
    """What these distributions require and no prediction uses: name and reason."""


COMPILED = Needs(frozenset({"numpy", "pandas"}), "the compiled model predicts without it")
# Its numpy and pandas have no wheels for any Python that Lambda has.
TAKEN_APART = Needs(frozenset(), "the compiled model predicts without its old Python's packages")

PYARROW = ("pyarrow", "MLflow wanted it, the model does not")
PLOTS = (("matplotlib", "only plots need it"), ("graphviz", "only plots need it"))
"""What MLflow infers and no prediction uses: glob and reason."""
