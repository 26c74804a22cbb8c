"""What the scoring code needs of a loaded model, whatever its flavor."""

import sys
from dataclasses import dataclass
from typing import Any, Protocol


class Predictor(Protocol):
    """A model in memory.

    It answers exactly what MLflow's pyfunc wrapper of the same flavor answers.
    """

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return the model's predictions, in whatever type the library gives.

        :param data: what the signature's enforcement made of the request: a DataFrame, an
            ndarray, a dict or list of them.
        :param params: the request's params after enforcement; a flavor whose MLflow wrapper
            ignores them ignores them too.
        """
        ...


def is_frame(data: Any) -> bool:
    """Tell whether data is a DataFrame; a library that nobody has imported cannot have made it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


@dataclass(frozen=True)
class RegularData:
    """The data of a request that is known to be of the form that a compiled model takes.

    Only for a model without a signature, which must tell it from whatever else may come.
    """

    of: Any
    """A 2-D ndarray, or a dict of 1-D ndarrays by column."""
    rows: int

    @property
    def shape(self) -> tuple[int]:
        """Its length, as an array's."""
        return (self.rows,)
