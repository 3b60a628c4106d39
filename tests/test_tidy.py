"""The house rules, executable. A rule that is broken here is mended in the code, not in this file."""

from __future__ import annotations

import ast
import importlib.util
import re
import statistics
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import assetlog
import assetlog.schemas.codec  # makes the namespace real

ROOT = Path(__file__).parents[1]
PORTIONS = ("schemas", "producers", "consumers", "catalog")
OTHERS = ("tests", "benchmarks", "examples")
SETTINGS_MODULES = {"producers/assetlog/producers/config.py", "catalog/assetlog/catalog/settings.py"}
TALKING = ("catalog/assetlog/catalog/cli/", "catalog/assetlog/catalog/demo/")
LONGEST_FUNCTION, MEDIAN_FUNCTION, LONGEST_FILE = 60, 10, 400
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")))
MACHINE_PATHS = re.compile("|".join("/" + name + "/" for name in ("work", "farm", "root")))
LONGEST_SQL = 100
EXECUTES = {"execute", "executemany", "sql", "query"}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders or PORTIONS for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, the docstring aside."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def texts(path: Path) -> Iterator[str]:
    """The string literals of a module, docstrings and other lone strings aside."""
    lone = {id(node.value) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield node.value


def test_no_function_is_longer_than_sixty_lines() -> None:
    assert [
        f"{name_of(path)}:{function.lineno} {function.name} has {length(function)} lines"
        for path in python_files(*PORTIONS, *OTHERS)
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    ] == []


def test_half_of_the_functions_are_shorter_than_ten_lines() -> None:
    assert statistics.median(length(function) for path in python_files() for function in functions(path)) < (
        MEDIAN_FUNCTION
    )


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    files = python_files(*PORTIONS, *OTHERS) + sorted(
        path for name in PORTIONS for path in (ROOT / name).rglob("*.sql")
    )
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_the_import_name_is_a_namespace_that_no_portion_owns() -> None:
    assert [
        name_of(ROOT / name / "assetlog/__init__.py")
        for name in PORTIONS
        if (ROOT / name / "assetlog/__init__.py").exists()
    ] == []
    assert getattr(assetlog, "__file__", None) is None


def test_every_portion_says_that_it_is_typed() -> None:
    assert [name for name in PORTIONS if not (ROOT / name / "assetlog" / name / "py.typed").exists()] == []


def test_a_source_folder_holds_nothing_but_the_package() -> None:
    allowed = {"assetlog", "README.md", "__pycache__"}
    assert [name_of(path) for name in PORTIONS for path in (ROOT / name).iterdir() if path.name not in allowed] == []
    assert [
        name_of(path)
        for name in PORTIONS
        for path in (ROOT / name / "assetlog").iterdir()
        if path.name not in {name, "__pycache__"}
    ] == []


def test_the_four_words_are_not_importable_by_themselves() -> None:
    assert [name for name in PORTIONS if importlib.util.find_spec(name) is not None] == []


def test_every_subpackage_has_its_init_file() -> None:
    folders = {path.parent for path in python_files()} - {ROOT / name / "assetlog" / name for name in PORTIONS}
    assert sorted(name_of(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_every_module_has_a_docstring() -> None:
    assert [name_of(path) for path in python_files() if ast.get_docstring(tree_of(path)) is None] == []


def test_a_package_that_imports_names_pins_what_it_offers() -> None:
    inits = [path for path in python_files() if path.name == "__init__.py"]
    assert [name_of(path) for path in inits if imports_names(tree_of(path)) and "__all__" not in assigned(path)] == []


def imports_names(tree: ast.Module) -> bool:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module != "__future__"]
    return bool(imports)


def assigned(path: Path) -> set[str]:
    targets = [target for node in tree_of(path).body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_redis_keys_are_built_in_one_module() -> None:
    home = "schemas/assetlog/schemas/stream.py"
    assert [
        name_of(path)
        for path in python_files()
        if name_of(path) != home
        for text in texts(path)
        if text.startswith("assetlog:{")
    ] == []


def test_the_environment_is_read_in_the_settings_modules_only() -> None:
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        if name_of(path) not in SETTINGS_MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute | ast.ImportFrom) and reads_environment(node)
    ] == []


def reads_environment(node: ast.Attribute | ast.ImportFrom) -> bool:
    if isinstance(node, ast.Attribute):
        of_os = isinstance(node.value, ast.Name) and node.value.id == "os"
        return of_os and node.attr in {"environ", "environb", "getenv", "putenv"}
    return node.module == "os" and any(alias.name in {"environ", "getenv"} for alias in node.names)


def test_sql_longer_than_a_line_lives_in_sql_files() -> None:
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and executes_much(node)
    ] == []


def test_sql_is_never_put_together_without_a_stated_reason() -> None:
    lines = {path: path.read_text(encoding="utf-8").splitlines() for path in python_files()}
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and executes_formatted(node)
        if "# noqa: S608 - " not in lines[path][node.lineno - 1]
    ] == []


def executed(call: ast.Call) -> ast.expr | None:
    """What a call like `connection.execute(sql)` executes; None for other calls."""
    executes = isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES
    return call.args[0] if executes and call.args else None


def executes_much(call: ast.Call) -> bool:
    """Whether the SQL in a call joins, or is longer than a line: then it deserves a name and a file."""
    sql = executed(call)
    if not isinstance(sql, ast.Constant) or not isinstance(sql.value, str):
        return False
    joins = re.search(r"\bjoin\b|\bwith\b", sql.value, re.IGNORECASE) is not None
    return joins or "\n" in sql.value.strip() or len(sql.value) > LONGEST_SQL


def executes_formatted(call: ast.Call) -> bool:
    sql = executed(call)
    formats = isinstance(sql, ast.Call) and isinstance(sql.func, ast.Attribute) and sql.func.attr == "format"
    return formats or isinstance(sql, ast.JoinedStr | ast.BinOp)


def test_nothing_is_left_unfinished() -> None:
    files = [*python_files(*PORTIONS, *OTHERS), *documents()]
    assert [name_of(path) for path in files if UNFINISHED.search(path.read_text(encoding="utf-8"))] == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    files = [*python_files(*PORTIONS, *OTHERS), *documents(), *sorted((ROOT / ".ci").iterdir())]
    assert [name_of(path) for path in files if MACHINE_PATHS.search(path.read_text(encoding="utf-8"))] == []


def documents() -> list[Path]:
    top = [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".yaml"} or path.name == "Makefile"]
    return sorted(
        [*top, *(ROOT / "docs").rglob("*.md"), *(path for name in PORTIONS for path in (ROOT / name).rglob("*.sql"))]
    )


def test_only_commands_print() -> None:
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in python_files()
        if not name_of(path).startswith(TALKING) and "__main__" not in set(texts(path))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ] == []


def test_test_names_are_sentences() -> None:
    assert [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in python_files("tests")
        for function in functions(path)
        if function.name.startswith("test_") and len(function.name.split("_")) < 4
    ] == []


def test_tests_stay_importable_by_path_alone() -> None:
    assert [name_of(path) for path in python_files("tests") if path.name == "__init__.py"] == []


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert headings
    assert headings[0] == "Unreleased" or version in headings


def test_parameters_of_tests_do_not_differ_from_run_to_run() -> None:
    """Workers that run the tests side by side must collect the same ones."""
    changing = {"time.time", "uuid.uuid4", "os.urandom", "secrets.token_hex", "datetime.now", "new_id"}
    assert [
        f"{name_of(path)}:{decorator.lineno}"
        for path in python_files("tests")
        for function in functions(path)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and not any(keyword.arg == "ids" for keyword in decorator.keywords)
        if changing & {ast.unparse(node.func) for node in ast.walk(decorator) if isinstance(node, ast.Call)}
    ] == []
