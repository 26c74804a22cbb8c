"""Which distribution has a module, as data: the names that an import uses are not pip's.

Read from the wheels' own lists of files (November 2026). Only what stands here is ever added to a
model's requirements: a package that merely has the name of a module may be a stranger's.
"""

from packaging.utils import canonicalize_name

_CALLED_OTHERWISE = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "cvxpy-base": ("cvxpy",),
    "faiss-cpu": ("faiss",),
    "faiss-gpu": ("faiss",),
    "fasttext-wheel": ("fasttext",),
    "google-api-core": ("google",),
    "google-auth": ("google",),
    "google-cloud-storage": ("google",),
    "grpcio": ("grpc",),
    "imbalanced-learn": ("imblearn",),
    "ipython": ("IPython",),
    "matplotlib": ("matplotlib", "mpl_toolkits", "pylab"),
    "opencv-contrib-python": ("cv2",),
    "opencv-contrib-python-headless": ("cv2",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "pycryptodome": ("Crypto",),
    "pyjwt": ("jwt",),
    "pyopenssl": ("OpenSSL",),
    "pypdf2": ("PyPDF2",),
    "pytables": ("tables",),
    "python-dateutil": ("dateutil",),
    "python-docx": ("docx",),
    "python-dotenv": ("dotenv",),
    "python-levenshtein": ("Levenshtein",),
    "python-rapidjson": ("rapidjson",),
    "python-snappy": ("snappy",),
    "pywavelets": ("pywt",),
    "pyyaml": ("yaml", "_yaml"),
    "pyzmq": ("zmq",),
    "ruamel-yaml": ("ruamel",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "scikit-learn-extra": ("sklearn_extra",),
    "scikit-optimize": ("skopt",),
    "scikit-survival": ("sksurv",),
    "scikit-uplift": ("sklift",),
    "setuptools": ("setuptools", "pkg_resources"),
    "simpleitk": ("SimpleITK",),
    "tensorflow-cpu": ("tensorflow",),
    "torch": ("torch", "functorch", "torchgen"),
    "umap-learn": ("umap",),
    "xgboost-cpu": ("xgboost",),
}
# Those whose module has the name of the distribution, and nothing else is in them.
_CALLED_THE_SAME = frozenset(
    (
        *("absl-py", "aiohttp", "alembic", "altair", "annotated-types", "anyio", "blinker"),
        *("bottleneck", "cachetools", "catboost", "category-encoders", "certifi", "cffi"),
        *("charset-normalizer", "click", "cloudpickle", "colorama", "contourpy", "cryptography"),
        *("cycler", "cython", "cytoolz", "dask", "decorator", "dill", "distributed", "docker"),
        *("entrypoints", "fastapi", "fastparquet", "feature-engine", "filelock", "flask"),
        *("fonttools", "formulaic", "fsspec", "gensim", "gitpython", "graphviz", "greenlet"),
        *("gunicorn", "h5py", "holidays", "httpx", "hyperopt", "idna", "importlib-metadata"),
        *("importlib-resources", "ipykernel", "ipywidgets", "itsdangerous", "jedi", "jellyfish"),
        *("jinja2", "joblib", "jsonschema", "jupyter", "jupyter-client", "jupyter-core"),
        *("kiwisolver", "lazy-object-proxy", "lifelines", "lightgbm", "llvmlite", "locket"),
        *("loguru", "lxml", "lz4", "mako", "markdown", "markupsafe", "ml-dtypes", "msgpack"),
        *("narwhals", "networkx", "nltk", "notebook", "numba", "numexpr", "numpy", "onnx"),
        *("onnxruntime", "openpyxl", "optuna", "orjson", "packaging", "pandas", "pandera", "parso"),
        *("partd", "pathos", "patsy", "plotly", "pmdarima", "polars", "pprintpp", "prettytable"),
        *("prometheus-client", "prompt-toolkit", "prophet", "psutil", "psycopg2", "pyaml"),
        *("pyarrow", "pycparser", "pydantic", "pydantic-core", "pygments", "pymysql", "pyod"),
        *("pyparsing", "pyspark", "python-multipart", "pytorch-lightning", "pytz"),
        *("querystring-parser", "rapidfuzz", "regex", "requests", "rich", "scikit-posthocs"),
        *("scipy", "seaborn", "sentence-transformers", "sentencepiece", "shap", "six", "skops"),
        *("slicer", "smmap", "sniffio", "sortedcontainers", "spacy", "sqlalchemy", "sqlparse"),
        *("starlette", "statsmodels", "sympy", "tables", "tabulate", "tblib", "tenacity"),
        *("tensorflow", "textblob", "threadpoolctl", "tokenizers", "toolz", "tornado", "tqdm"),
        *("traitlets", "transformers", "tsfresh", "typing-extensions", "tzdata", "unidecode"),
        *("urllib3", "uvicorn", "waitress", "wcwidth", "websocket-client", "werkzeug", "wrapt"),
        *("xgboost", "xlrd", "zict", "zipp", "zstandard"),
    )
)
_MODULE_OF = {
    "absl-py": "absl",
    "gitpython": "git",
    "cython": "Cython",
    "websocket-client": "websocket",
    "ipykernel": "ipykernel_launcher",
    "python-multipart": "multipart",
    "fonttools": "fontTools",
}
"""Of those above whose one module differs in more than hyphens; letter case counts."""

_FIRST = ("opencv-python-headless", "tensorflow", "faiss-cpu", "xgboost", "tables", "attrs")
"""Of several distributions with one module the one that is added."""

_WORDS = {
    "pyarrow": (
        *("ArrowStringArray", "ArrowExtensionArray", "ArrowDtype", "read_parquet", "to_parquet"),
        *("read_feather", "to_feather", "read_orc"),
    ),
    "fastparquet": ("read_parquet", "to_parquet"),
    "openpyxl": ("read_excel", "to_excel"),
    "xlrd": ("read_excel",),
    "lxml": ("read_html", "read_xml"),
    "tables": ("read_hdf", "to_hdf"),
    "sqlalchemy": ("read_sql", "to_sql", "read_sql_query", "read_sql_table"),
    "tabulate": ("to_markdown",),
    "jinja2": ("to_latex", "style", "Styler"),
    "fsspec": ("s3fs", "gcsfs"),
}
"""What else in a function asks for a distribution: pandas imports it then."""


def modules_of(distribution: str) -> frozenset[str] | None:
    """Return the top-level modules of a distribution; None: they are not known.

    :param distribution: canonical name.
    """
    if distribution in _CALLED_OTHERWISE:
        return frozenset(_CALLED_OTHERWISE[distribution])
    if distribution in _CALLED_THE_SAME:
        guess = modules_like(distribution)
        return guess | {_MODULE_OF[distribution]} if distribution in _MODULE_OF else guess
    return None


def modules_like(distribution: str) -> frozenset[str]:
    """Return what the module of a distribution would be called that is called the same."""
    return frozenset((distribution.replace("-", "_"),))


def words_for(distribution: str) -> tuple[str, ...]:
    """Return the names by which a function asks for the distribution without importing it."""
    return _WORDS.get(distribution, ())


def distribution_of(module: str) -> str | None:
    """Return the distribution that has this top-level module; None: that is not known."""
    return _DISTRIBUTIONS.get(module)


def _by_module() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in (*sorted(_CALLED_THE_SAME), *sorted(_CALLED_OTHERWISE), *_FIRST):
        for module in modules_of(distribution) or ():
            found[module] = distribution
    del found["google"]  # of many
    return found


_DISTRIBUTIONS = _by_module()


def is_like(module: str, distribution: str) -> bool:
    """Tell whether the distribution is known, or by its name likely, to have this module."""
    known = modules_of(distribution)
    if known is not None:
        return module in known
    return canonicalize_name(module) == distribution
