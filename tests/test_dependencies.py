"""pyproject.toml names every package that the code imports, and says of each why it is there."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("components", "data", "environment", "pipelines", "serving")
# Airflow has the folder of the DAGs, pipelines_operators, on its path.
OWN = {*PRODUCT, "benchmarks", "notebooks", "pipelines_operators", "tests", "website"}
PACKAGE_OF = {
    "IPython": "ipython",
    "absl": "absl-py",
    "airflow": "apache-airflow",
    "google": "protobuf",
    "grpc": "grpcio",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "mkdocs": "mkdocs-material",
    "mlflow": "mlflow-skinny",
    "opentelemetry": "opentelemetry-sdk",
    "markdown_it": "markdown-it-py",
    "pydantic_core": "pydantic",
    "sklearn": "scikit-learn",
    "tensorflow_serving": "tensorflow-serving-api",
    "vl_convert": "vl-convert-python",
    "xdist": "pytest-xdist",
    "yaml": "pyyaml",
}  # module -> package, where they differ
ELSEWHERE = {"bentoml"}  # in an environment of its own, which benchmarks/serving/peers/bentoml_environment.py names


def imported(*folders: str) -> set[str]:
    """Packages that the Python files below the folders import."""
    found = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    modules = found - OWN - set(sys.stdlib_module_names)
    return {PACKAGE_OF.get(module, module.replace("_", "-")) for module in modules}


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[=<>;! ]", requirement, maxsplit=1)[0] for requirement in requirements}


@pytest.mark.slow
def test_every_import_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    product = named(project["project"]["dependencies"])
    groups = {name: named(requirements) for name, requirements in project["dependency-groups"].items()}
    chosen = ("gateway", "notebooks", "mlflow", "docs", "dev")
    gateway, notebooks, mlflow, docs, dev = (groups[group] for group in chosen)
    gateway |= groups["tracing"]
    export = mlflow | groups["kubeflow"]
    of_airflow = tomllib.loads((ROOT / "environment" / "airflow" / "pyproject.toml").read_text())
    airflow = named(of_airflow["project"]["dependencies"])  # the DAGs run in an environment of their own
    assert imported(*(folder for folder in PRODUCT if folder != "serving")) - product - export - airflow == set()
    assert imported("serving") - product - gateway == set()
    assert imported("notebooks") - product - notebooks == set()
    assert imported("website") - product - docs - dev == set()
    assert imported("benchmarks", "tests") - product - gateway - export - dev == ELSEWHERE


def test_every_dependency_says_why() -> None:
    block = (ROOT / "pyproject.toml").read_text().split("\ndependencies = [\n")[1].split("\n]\n\n[tool.")[0]
    explained = False
    for line in map(str.strip, block.splitlines()):
        if line.startswith("#"):
            explained = True
        elif line.startswith('"') and "python_version" not in line:
            assert explained, line
            explained = False
        elif not line:
            explained = False
