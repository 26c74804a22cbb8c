"""A chain of LangChain: of a flavor without a loader here, so MLflow itself loads it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.langchain
import numpy as np
import pandas as pd

REQUIREMENTS = (
    "langchain==1.4.3",
    "langchain-core==1.7.2",
    "numpy==2.2.6",
    "pandas==2.3.2",
    "scipy==1.15.3",
)
CHAIN = """
import mlflow
from langchain_core.runnables import RunnableLambda, RunnableParallel

double = RunnableLambda(lambda row: 2 * row["height"])
area = RunnableLambda(lambda row: row["height"] * row["width"])
mlflow.models.set_model(RunnableParallel(double=double, area=area))
"""


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(count, 2))
    return pd.DataFrame(values, columns=["height", "width"])


def _code(folder: Path) -> None:
    with TemporaryDirectory() as name:
        code = Path(name) / "chain.py"
        code.write_text(CHAIN)
        mlflow.langchain.save_model(
            str(code),
            folder,
            input_example=rows("code", 1, seed=1).to_dict(orient="records")[0],
            pip_requirements=list(REQUIREMENTS),
        )


MODELS = {"code": _code}
