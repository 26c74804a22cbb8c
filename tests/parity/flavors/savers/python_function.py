"""Python models of the user's own: pickled, from code, functions, and with their own loader."""

import os
import pickle
import sys
import textwrap
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import pydantic
from mlflow.models import infer_signature
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage
from sklearn.linear_model import LinearRegression

REQUIREMENTS = (
    "cloudpickle==3.1.1",
    "numpy==2.2.6",
    "pandas==2.3.2",
    "pydantic==2.11.7",
    "scikit-learn==1.7.2",
)
NUMBERS = ["height", "width", "depth"]
PARAMS = {"cloudpickle": {"factor": 0.3}, "code": {"factor": 3.0}}
_PLAIN = ["cloudpickle==3.1.1", "numpy==2.2.6", "pandas==2.3.2"]


def rows(variant: str, count: int, seed: int) -> Any:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(count, 3)), columns=NUMBERS)
    if variant == "hints":
        numbers = frame.to_dict(orient="records")
        return [{"name": f"box {i}", "sizes": item} for i, item in enumerate(numbers)]
    if variant == "chat":
        text = f"{random.normal()}"
        return pd.DataFrame({"messages": [[{"role": "user", "content": text}]]})
    return frame


class Weighted(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.weights = np.load(context.artifacts["weights"])
        self.sign = context.model_config["sign"]

    def predict(self, context: Any, model_input, params: Any = None) -> Any:
        factor = (params or {}).get("factor", 1.0)
        scores = model_input.to_numpy() @ self.weights * factor * self.sign
        return pd.DataFrame({"score": scores, "large": scores > 1})


class Box(pydantic.BaseModel):
    name: str
    sizes: dict[str, float]
    note: str | None = None


class Named(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[Box], params: Any = None) -> list[str]:
        return [f"{box.name}: {sum(box.sizes.values())!r} {box.note}" for box in model_input]


class Wrapped(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.model = mlflow.sklearn.load_model(context.artifacts["model"])

    def predict(self, context: Any, model_input, params: Any = None) -> Any:
        return self.model.predict(model_input) * 2


class Echo(mlflow.pyfunc.ChatModel):
    def predict(self, context: Any, messages: Any, params: Any) -> Any:
        said = ChatMessage(role="assistant", content=f"{messages[-1].content} {params.temperature}")
        return ChatCompletionResponse(choices=[ChatChoice(message=said)], created=0, id="echo")


def total(model_input: pd.DataFrame) -> Any:
    return model_input.sum(axis=1).to_numpy()


def _save(folder: Path, requirements: list[str] = _PLAIN, **how: Any) -> None:
    mlflow.pyfunc.save_model(folder, pip_requirements=requirements, **how)


def _save_weighted(folder: Path) -> None:
    weights = folder.parent / "weights.npy"
    np.save(weights, np.array([0.5, -1.25, 2.0]))
    example = rows("cloudpickle", 3, seed=1)
    _save(
        folder,
        python_model=Weighted(),
        artifacts={"weights": str(weights)},
        model_config={"sign": -1.0},
        signature=infer_signature(example, params={"factor": 1.0}),
        input_example=(example, {"factor": 2.0}),
    )


def _save_compressed(folder: Path) -> None:
    os.environ["MLFLOW_LOG_MODEL_COMPRESSION"] = "gzip"
    _save_weighted(folder)


def _write(path: Path, source: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source))
    return str(path)


def _save_code(folder: Path) -> None:
    _write(
        folder.parent / "scaling" / "__init__.py",
        """
        def scaled(frame, factor):
            return frame.to_numpy() * factor
        """,
    )
    code = _write(
        folder.parent / "scaler.py",
        """
        import mlflow
        from mlflow.models import ModelConfig, set_model
        from scaling import scaled

        config = ModelConfig(development_config={"offset": 0.0})


        class Scaler(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                factor = (params or {}).get("factor", 1.0)
                return scaled(model_input, factor) + config.get("offset")


        set_model(Scaler())
        """,
    )
    sys.path.insert(0, str(folder.parent))  # saving runs the code
    example = rows("code", 3, seed=1)
    _save(
        folder,
        python_model=code,
        code_paths=[str(folder.parent / "scaling")],
        model_config={"offset": 0.125},
        signature=infer_signature(example, example.to_numpy(), params={"factor": 1.0}),
        input_example=(example, {"factor": 2.0}),
    )


def _save_hints(folder: Path) -> None:
    _save(
        folder,
        [*_PLAIN, "pydantic==2.11.7"],
        python_model=Named(),
        input_example=rows("hints", 2, seed=1),
    )


def _save_function(folder: Path) -> None:
    example = rows("function", 3, seed=1)
    signature = infer_signature(example, total(example))
    _save(folder, python_model=total, signature=signature, input_example=example)


def _save_loader(folder: Path) -> None:
    code = _write(
        folder.parent / "own_loader.py",
        """
        import pathlib
        import pickle


        class Shifted:
            def __init__(self, weights):
                self.weights = weights

            def predict(self, data):
                return (data * self.weights).sum(axis=1)


        def _load_pyfunc(data_path):
            return Shifted(pickle.loads((pathlib.Path(data_path) / "w.pkl").read_bytes()))
        """,
    )
    data = folder.parent / "data"
    data.mkdir()
    (data / "w.pkl").write_bytes(pickle.dumps([0.1, 0.2, 0.7]))
    example = rows("loader", 3, seed=1)
    _save(
        folder,
        loader_module="own_loader",
        data_path=str(data),
        code_paths=[code],
        signature=infer_signature(example),
        input_example=example,
    )


def _save_wrapped(folder: Path) -> None:
    example = rows("wrapped", 50, seed=1)
    fitted = LinearRegression().fit(example, example["height"] * 2)
    inner = folder.parent / "inner"
    how = {"serialization_format": "cloudpickle", "pip_requirements": ["scikit-learn==1.7.2"]}
    mlflow.sklearn.save_model(fitted, inner, **how)
    _save(
        folder,
        [*_PLAIN, mlflow_line(), "scikit-learn==1.7.2", "scipy==1.16.3"],
        python_model=Wrapped(),
        artifacts={"model": str(inner)},
        signature=infer_signature(example),
        input_example=example.head(3),
    )


def _save_chat(folder: Path) -> None:
    _save(folder, [*_PLAIN, mlflow_line(), "pydantic==2.11.7"], python_model=Echo())


def mlflow_line() -> str:
    return f"mlflow=={mlflow.__version__}"


MODELS = {
    "cloudpickle": _save_weighted,
    "compressed": _save_compressed,
    "code": _save_code,
    "hints": _save_hints,
    "function": _save_function,
    "loader": _save_loader,
    "wrapped": _save_wrapped,
    "chat": _save_chat,
}
