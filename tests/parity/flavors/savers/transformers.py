"""Pipelines of Hugging Face's transformers: tiny models with random weights, made here."""

import os
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported

import mlflow.transformers
import numpy as np
import torch
import transformers
from mlflow.models import infer_signature
from tokenizers import Tokenizer, models, pre_tokenizers

REQUIREMENTS = (
    "numpy==2.2.6",
    "pandas==2.3.2",
    "tokenizers==0.23.3",
    "torch==2.13.0",
    "transformers==5.17.0",
)
IS_HEAVY = True
NEEDS_NEWER_SYSTEM = True
PARAMS = {"generation": {"max_new_tokens": 4}}
SPECIAL = ["[PAD]", "[UNK]"]
WORDS = ["a", "bad", "boring", "film", "funny", "good", "long", "not", "the", "very", "was"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def rows(variant: str, count: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, 12))) for _ in range(count)]


def _tokenizer() -> Any:
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", eos_token="[PAD]"
    )


def _save(task: str, model: Any, folder: Path, **how: Any) -> None:
    pipeline = transformers.pipeline(task, model=model.eval(), tokenizer=_tokenizer())
    example = rows(task, 3, seed=1)
    answer = mlflow.transformers.generate_signature_output(pipeline, example)
    mlflow.transformers.save_model(
        pipeline,
        folder,
        signature=infer_signature(example, answer, **how),
        input_example=example,
        pip_requirements=list(REQUIREMENTS),
    )


def _classification(folder: Path) -> None:
    torch.manual_seed(1)
    shape = transformers.BertConfig(
        vocab_size=len(SPECIAL + WORDS), intermediate_size=64, num_labels=3, **SIZES
    )
    _save("text-classification", transformers.BertForSequenceClassification(shape), folder)


def _generation(folder: Path) -> None:
    torch.manual_seed(1)
    shape = transformers.GPT2Config(
        vocab_size=len(SPECIAL + WORDS), n_embd=32, n_layer=2, n_head=2, eos_token_id=0
    )
    params = {"max_new_tokens": 8, "do_sample": False}
    _save("text-generation", transformers.GPT2LMHeadModel(shape), folder, params=params)


MODELS = {"classification": _classification, "generation": _generation}
