"""spaCy. Source: `_load_pyfunc` of `mlflow.spacy` (MLflow 3.18)."""

import json
from collections.abc import Iterator
from configparser import ConfigParser, Error
from pathlib import Path

from handler.manifest import ModelInfo
from packager.flavors.flavor import Flavor, Format
from packager.flavors.sections import Sections
from packager.needs import PYARROW

_CONFIG = "config.cfg"
_DATA = Format("spacy", False, "JSON, msgpack and arrays; of functions it names spaCy's own")
_REGISTERED = Format(
    "registered functions", True, "build the pipeline of spaCy's own components alone"
)

# Source: `spacy/pipeline/factories.py` and `functions.py` (spaCy 3.8).
_FACTORIES = frozenset(
    (
        *("attribute_ruler", "beam_ner", "beam_parser", "doc_cleaner", "entity_linker"),
        *("entity_ruler", "future_entity_ruler", "lemmatizer", "merge_entities"),
        *("merge_noun_chunks", "merge_subtokens", "morphologizer", "ner", "nn_labeller", "parser"),
        *("sentencizer", "senter", "span_finder", "span_ruler", "spancat", "spancat_singlelabel"),
        *("tagger", "textcat", "textcat_multilabel", "tok2vec", "token_splitter"),
        "trainable_lemmatizer",
    )
)
_OWN = ("spacy.", "spacy-legacy.")
# Its weights are unpickled by PyTorch, up to 2.5 without any limit.
_PICKLED = ("spacy.TorchBiLSTMEncoder.",)


def _read(sections: Sections) -> ModelInfo:
    data = sections.pyfunc.get("data") or sections.flavor.get("data")
    data_path = sections.path(data, "flavor 'spacy' names no data")
    config = sections.folder / data_path / _CONFIG
    is_data = False
    if data_path:
        try:
            is_data = all(_is_own(*item) for item in _called(config))
        except (OSError, ValueError, Error) as error:
            sections.issues.append(f"{data_path}/{_CONFIG} cannot be read: {error}")
    return ModelInfo(
        flavor="spacy",
        data_path=data_path,
        serialization_format=(_DATA if is_data else _REGISTERED).name,
    )


def _called(config: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys and values that name what spaCy calls when it loads a pipeline.

    It builds what is in `nlp` and `components`; the other sections are for training.

    :raises OSError: the file cannot be read.
    :raises ValueError: it is not UTF-8.
    :raises Error: it has not the form of a configuration file.
    """
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.read_string(config.read_text(encoding="utf-8"))
    for section in parser.sections():
        if section.partition(".")[0] in ("nlp", "components"):
            for key, value in parser[section].items():
                if key.startswith("@") or key in ("factory", "source"):
                    yield key, value


def _is_own(key: str, value: str) -> bool:
    try:
        name = str(json.loads(value))
    except ValueError:
        return False  # a reference to another value, which may be anything
    if key == "factory":
        return name.rpartition(".")[2] in _FACTORIES  # of a language's own: `en.lemmatizer`
    return key != "source" and name.startswith(_OWN) and not name.startswith(_PICKLED)


FLAVOR = Flavor(
    name="spacy",
    loader_module="mlflow.spacy",
    formats=(_DATA, _REGISTERED),
    read=_read,
    not_needed=(PYARROW,),
)
