"""Read the fields of a frozen record from its source: type, default, and the comment or text that explains each.

The source is parsed and not imported, so that neither TensorFlow nor TFX is needed.
"""

import ast
import dataclasses
import io
import tokenize
from pathlib import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a record."""

    name: str
    type: str
    default: str | None  # as in the source; None: the field is required
    explanation: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A class, with its fields."""

    name: str
    summary: str  # the docstring's first paragraph
    fields: tuple[Field, ...]


def read_record(source: Path, name: str) -> Record:
    """Return a record from its module's source.

    Args:
        source: the module's file.
        name: of the class.

    Raises:
        LookupError: The module has no such class, or it has no fields.
    """
    text = source.read_text()
    found = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        raise LookupError(
            f"{source}: expected a class {name}, found none; correct its name in website/configuration.py"
        )
    comments, alone = _read_comments(text)
    fields = []
    body = found[0].body
    for place, node in enumerate(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            following = body[place + 1] if place + 1 < len(body) else None
            fields.append(_read_field(node, following, comments, alone))
    if not fields:
        raise LookupError(f"{source}: expected fields in the class {name}, found none")
    summary = (ast.get_docstring(found[0]) or "").split("\n\n")[0].replace("\n", " ")
    return Record(name=name, summary=summary, fields=tuple(fields))


def _read_field(node: ast.AnnAssign, following: ast.stmt | None, comments: dict[int, str], alone: set[int]) -> Field:
    assert isinstance(node.target, ast.Name)
    above = node.lineno - 1
    lines: list[str] = []
    while above in alone:
        lines.insert(0, comments[above])
        above -= 1
    last = node.end_lineno or node.lineno
    lines += [comments[line] for line in range(node.lineno, last + 1) if line in comments and line not in alone]
    if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
        lines.append(str(following.value.value))
    return Field(
        name=node.target.id,
        type=_read_type(node.annotation),
        default=None if node.value is None else _read_default(node.value),
        explanation=" ".join(" ".join(lines).split()),
    )


def _read_type(annotation: ast.expr) -> str:
    """Return a type without the parts for validators: `Annotated[int, Field(ge=0)]` is `int`."""
    text = ast.unparse(annotation)
    for node in ast.walk(annotation):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated":
            assert isinstance(node.slice, ast.Tuple)
            text = text.replace(ast.unparse(node), ast.unparse(node.slice.elts[0]))
    return text


def _read_default(value: ast.expr) -> str:
    """Return a default as the source has it; for `dataclasses.field`, the default that it makes."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "dataclasses.field":
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in value.keywords}
        return given.get("default") or {"dict": "{}", "list": "[]"}.get(given.get("default_factory", ""), "")
    return ast.unparse(value)


def _read_comments(text: str) -> tuple[dict[int, str], set[int]]:
    """Return the comments by line, and the lines with only a comment."""
    comments, alone = {}, set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.removeprefix("#").strip()
            if not token.line[: token.start[1]].strip():
                alone.add(token.start[0])
    return comments, alone
