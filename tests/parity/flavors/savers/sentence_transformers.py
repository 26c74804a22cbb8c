"""A sentence transformer: a tiny BERT with random weights, made here, and mean pooling."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported

import mlflow.sentence_transformers
import numpy as np
import torch
import transformers
from mlflow.models import infer_signature
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "scikit-learn==1.7.2",
    "scipy==1.15.3",
    "sentence-transformers==6.1.0",
    "tokenizers==0.23.3",
    "torch==2.13.0",
    "transformers==5.17.0",
)
IS_HEAVY = True
NEEDS_NEWER_SYSTEM = True
SPECIAL = ["[PAD]", "[UNK]"]
WORDS = ["a", "bad", "boring", "film", "funny", "good", "long", "not", "the", "very", "was"]


def rows(variant: str, count: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, 12))) for _ in range(count)]


def _encoder(folder: str) -> Any:
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(1)
    shape = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    transformers.BertModel(shape).save_pretrained(folder)
    encoder = Transformer(folder)
    return SentenceTransformer(modules=[encoder, Pooling(32)], device="cpu")


def _saved(folder: Path) -> None:
    with TemporaryDirectory() as bert:
        model = _encoder(bert)
    example = rows("mean", 3, seed=1)
    mlflow.sentence_transformers.save_model(
        model,
        folder,
        signature=infer_signature(example, model.encode(example)),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
    )


MODELS = {"mean": _saved}
