"""spaCy pipelines that classify texts."""

import random
from pathlib import Path
from typing import Any

import mlflow.spacy
import pandas as pd
import spacy
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from spacy.training import Example

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "spacy==3.8.14",
)
IS_HEAVY = True
WORDS = {
    "good": ["great", "fine", "lovely", "brilliant", "touching"],
    "bad": ["awful", "poor", "terrible", "boring", "loud"],
}
THINGS = ["film", "song", "meal", "play"]


def rows(variant: str, count: int, seed: int) -> pd.DataFrame:
    choose = random.Random(seed)
    return pd.DataFrame({"text": [_text(choose, choose.choice(list(WORDS))) for _ in range(count)]})


def _text(choose: random.Random, label: str) -> str:
    first, second = choose.sample(WORDS[label], 2)
    return f"The {choose.choice(THINGS)} was {first}, and {second}: {choose.randrange(10)}/10."


def _trained(factory: str, **how: Any) -> spacy.Language:
    spacy.util.fix_random_seed(7)
    choose = random.Random(7)
    pipeline = spacy.blank("en")
    pipeline.add_pipe(factory, **how)
    examples = []
    for label in [*WORDS] * 10:
        cats = {name: float(name == label) for name in WORDS}
        examples.append(Example.from_dict(pipeline.make_doc(_text(choose, label)), {"cats": cats}))
    optimizer = pipeline.initialize(lambda: examples)
    for _ in range(10):
        pipeline.update(examples, sgd=optimizer)
    return pipeline


def _save(pipeline: spacy.Language, folder: Path) -> None:
    mlflow.spacy.save_model(
        pipeline,
        folder,
        signature=ModelSignature(Schema([ColSpec("string", "text")])),
        input_example=rows("", 3, seed=1),
        pip_requirements=list(REQUIREMENTS),
    )


def _ensemble(folder: Path) -> None:
    _save(_trained("textcat"), folder)


def _words(folder: Path) -> None:
    model = {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": False,
        "ngram_size": 2,
        "length": 8192,
        "no_output_layer": False,
    }
    _save(_trained("textcat_multilabel", config={"model": model}), folder)


MODELS = {
    "ensemble": _ensemble,
    "words": _words,
}
