"""What a program lacks and we could install: a known package, an interpreter. All else that it lacks is its own fault.

How a program ended is its own word: one that would rather not be judged may import a module that nobody has, or exit
as if its interpreter were not there. What it says is therefore believed only where its text imports a package that
people know and images may lack, or where the smallest program of its language ends in the same way.
"""

import ast
from collections.abc import Iterator

from cotfactory.graders.sandbox.execution import Cells, Check, Compile, Execution, ExecutionResult, Sandbox, Stdio
from cotfactory.graders.sandbox.values import MISSING_LANGUAGE, MISSING_MODULE
from cotfactory.schemas.syntax_tree import syntax_tree

INSTALLABLE = frozenset((
    # Of the standard library, but not of every interpreter: gone by 3.12, or left out by distributions.
    "asynchat", "asyncore", "distutils", "ensurepip", "idlelib", "imp", "lib2to3", "smtpd", "tkinter", "turtle", "venv",
    # Packages that people import in programs, by the names that they are imported by.
    "Bio", "Crypto", "IPython", "Levenshtein", "OpenSSL", "PIL", "PyPDF2", "absl", "aiofiles", "aiohttp", "altair",
    "anyio", "arrow", "astropy", "attr", "attrs", "autograd", "babel", "bcrypt", "bidict", "bitarray", "blist", "bokeh",
    "boto3", "bottle", "bs4", "cachetools", "catboost", "certifi", "cffi", "chardet", "chess", "click", "colorama",
    "control", "cryptography", "cupy", "cv2", "cvxopt", "cvxpy", "cython", "dask", "datasets", "diskcache",
    "django", "docutils", "docx", "dotenv", "editdistance", "faker", "fastapi", "feedparser", "flask", "flax", "folium",
    "galois", "geopandas", "geopy", "gensim", "gmpy2", "gurobipy", "gym", "gymnasium", "h5py", "httpx", "hypothesis",
    "igraph", "imageio", "intervaltree", "jax", "jaxlib", "jinja2", "joblib", "jsonschema", "jwt", "keras", "libcst",
    "librosa", "lightgbm", "llvmlite", "lxml", "markdown", "matplotlib", "more_itertools",
    "msgpack", "multidict", "mypy", "natsort", "nltk", "numba", "numexpr", "openai", "openpyxl", "ortools", "orjson",
    "pendulum", "plotly", "polars", "portion", "prettytable", "primesieve", "psutil", "psycopg2", "pulp", "pyarrow",
    "pycountry", "pydantic", "pyfftw", "pygame", "pygments", "pymongo", "pymysql", "pyomo", "pyparsing", "pyrsistent",
    "pysat", "pytesseract", "pytz", "rapidfuzz", "ray", "redis", "regex", "requests",
    "rich", "sage", "scrapy", "seaborn", "selenium", "setuptools", "shapely", "simplejson", "six",
    "skimage", "sklearn", "soundfile", "spacy", "sqlalchemy", "sqlglot", "statsmodels", "tabulate",
    "tenacity", "tensorflow", "termcolor", "textblob", "theano", "tomli", "toolz", "torch", "torchaudio",
    "torchvision", "tornado", "tqdm", "transformers", "treelib", "trio", "typing_extensions", "tzlocal", "ujson",
    "unidecode", "urllib3", "uvloop", "wcwidth", "websockets", "wordcloud", "xarray", "xgboost", "xlrd",
    "xlsxwriter", "xmltodict", "xlwt", "xxhash", "yaml", "z3", "zmq",
))  # fmt: skip
"""Neither packages of our image nor what those need: of one that is there a program could import a part that is not."""


def is_ours_to_install(execution: Execution, result: ExecutionResult, sandbox: Sandbox) -> bool:
    """Whether an execution that ended as if something were missing lacks what an image could have.

    Raises SandboxError.
    """
    way = execution.way
    if result.exit_code == MISSING_MODULE:
        return any(name in INSTALLABLE for text in _texts(execution) for name in _imported(text))
    if isinstance(way, Stdio) and way.language == "javascript":
        smallest = execution.model_copy(update={"artifact": b"0", "way": Stdio(language="javascript")})
        (tried,) = sandbox.run([smallest])
        return tried.exit_code == MISSING_LANGUAGE
    return isinstance(way, Compile)  # of what could be compiled the image has the rest


def _texts(execution: Execution) -> Iterator[str]:
    """Yield all Python that an execution ran: the program, and test code or cells beside it."""
    yield execution.program
    way = execution.way
    if isinstance(way, Check):
        yield way.code
    if isinstance(way, Cells):
        yield from way.cells


def _imported(text: str) -> Iterator[str]:
    """Yield the first name of each module that a program imports, anywhere in it."""
    try:
        tree = syntax_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
