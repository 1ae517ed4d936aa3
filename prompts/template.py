"""A prompt is a versioned file with holes; this fills all of them or says which stayed empty.

Knows jinja2 (nothing else here does) and the form of a template file. It knows no conversation, no model and no
chat markup: what it renders are messages, and the tokenizer of a model makes one text of them.

    ---
    name: recognize
    version: 1
    about: One line on what it is for.
    ---
    {% block system %} ... {% endblock %}
    {% block user %} ... {% endblock %}

A template may come from a stranger, with a model that somebody saved. So it is words, holes, `if`, `for` and a few
filters, checked when it is loaded, and rendered in jinja2's immutable sandbox: it calls nothing and reads no file.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from prompts.errors import PromptError
from prompts.holes import check_name, clean, quote

ROLES = ("system", "user")
SHIPPED = Path(__file__).with_name("templates")

_HEADER = re.compile(r"---\n(?P<lines>.*?)\n---\n", re.DOTALL)
_KEYS = ("name", "version", "about")
_FILTERS = (
    "capitalize",
    "first",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "reverse",
    "title",
    "trim",
    "upper",
)
# No calls, so no methods, and no arithmetic.
_ALLOWED = (
    nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Const, nodes.Tuple, nodes.List,
    nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Neg, nodes.Filter, nodes.Keyword, nodes.Test, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
)  # fmt: skip
# What still makes a text longer than what fills it; nested at will, they multiply a few labels into billions of characters.
_MULTIPLY: tuple[tuple[str, int, Callable[[nodes.Node], bool]], ...] = (
    ("loops", 2, lambda node: isinstance(node, nodes.For)),
    ("joins", 1, lambda node: isinstance(node, nodes.Filter) and node.name == "join"),
)
_OUTSIDE = ("self", "super")  # jinja2's names for the template itself


@dataclass(frozen=True)
class Template:
    """The words around an utterance, with a version and a hash to name in every result.

    >>> template = Template.from_text('''---
    ... name: short
    ... version: 1
    ... about: The shortest one.
    ... ---
    ... {% block user %}{{ speaker }}: {{ text|quote }} {{ labels|join(" or ") }}?{% endblock %}
    ... ''')
    >>> template.holes
    ('labels', 'speaker', 'text')
    >>> template.render(speaker="Monica", text="What?", labels=["joy", "surprise"])
    [{'role': 'user', 'content': 'Monica: "What?" joy or surprise?'}]

    Args:
        name: As in its header, and as the file is called.
        version: Raised whenever a word changes.
        about: One line on what it is for.
        holes: The names it uses, sorted.
        text: The whole file; what a saved model carries.
    """

    name: str
    version: int
    about: str
    holes: tuple[str, ...]
    text: str = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @classmethod
    def from_text(cls, text: str, source: str = "template") -> "Template":
        """Reads and checks a whole template file.

        Args:
            text: Header and blocks.
            source: Where it comes from, for messages.

        Raises:
            PromptError: The header or the syntax is wrong, it does more than a template may, or it has a hole that
                nobody fills.
        """
        text = text.replace("\r\n", "\n")
        name, version, about = _read_header(text, source)
        holes = _check(text, source)
        return cls(name, version, about, holes, text)

    def render(self, **holes: object) -> list[dict[str, str]]:
        """The messages, ``[{"role": "system", "content": ...}, {"role": "user", "content": ...}]``.

        A system message that comes out empty is left out. Holes of other templates may be given; their values are
        checked and not used.

        Args:
            **holes: What fills the holes; see `prompts.holes.HOLES` for their names and kinds.

        Raises:
            PromptError: A hole stays empty, is unknown or gets the wrong kind of value.
        """
        where = f"Template {self.name!r} version {self.version}"
        missing = [name for name in self.holes if name not in holes]
        if missing:
            raise PromptError(f"{where} needs {', '.join(map(repr, missing))}; it was given {sorted(holes)}.")
        values = {name: clean(name, value, where) for name, value in holes.items()}
        compiled = _compile(self.text)
        messages = []
        try:
            for role in ROLES:
                if role in compiled.blocks:
                    content = "".join(compiled.blocks[role](compiled.new_context(values))).strip()
                    if content or role == "user":
                        messages.append({"role": role, "content": content})
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise PromptError(f"{where} cannot be rendered: {error}.") from None
        return messages


def load_template(name: str | Path) -> Template:
    """A template that ships, by its name, or any other, by the path of its file.

    >>> load_template("recognize_compact").name
    'recognize_compact'

    Raises:
        PromptError: There is no such template, or it is wrong.
    """
    shipped = {path.stem: path for path in sorted(SHIPPED.glob("*.j2"))}
    path = shipped.get(str(name), Path(name))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        close = get_close_matches(str(name), shipped, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise PromptError(
            f"{str(name)!r} is neither a template that ships nor a file that can be read. {hint}Known: {', '.join(shipped)}."
        ) from None
    except UnicodeDecodeError as error:
        raise PromptError(f"{path}: expected UTF-8 text, but byte {error.start} is not.") from None
    return Template.from_text(text, source=str(path))


def _read_header(text: str, source: str) -> tuple[str, int, str]:
    header = _HEADER.match(text)
    if not header:
        raise PromptError(
            f"{source}, line 1: expected a header of {', '.join(_KEYS)} between two lines of ---."
        )
    values: dict[str, str] = {}
    for number, line in enumerate(header["lines"].split("\n"), start=2):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value or key not in _KEYS or key in values:
            raise PromptError(
                f"{source}, line {number}: expected each of {', '.join(_KEYS)} once as 'key: value', got {line!r}."
            )
        values[key] = value
    if missing := [key for key in _KEYS if key not in values]:
        raise PromptError(f"{source}: the header lacks {', '.join(missing)}.")
    if not values["version"].isdecimal():
        raise PromptError(f"{source}: expected a whole number as version, got {values['version']!r}.")
    return values["name"], int(values["version"]), values["about"]


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()  # among them lipsum, which is random
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {"quote": quote}
    return environment


def _body(text: str) -> str:
    # the header becomes empty lines, so that line numbers in messages are those of the file
    return _HEADER.sub(lambda header: "\n" * header[0].count("\n"), text, count=1)


def _check(text: str, source: str) -> tuple[str, ...]:
    """Refuses what a template must not do; returns the holes it uses."""
    environment = _environment()
    try:
        tree = environment.parse(_body(text))
        # before anything is compiled: the compiler already computes constants
        _check_nodes(tree, source)
        environment.from_string(tree)
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{source}, line {error.lineno}: {error.message}") from None
    holes = sorted(meta.find_undeclared_variables(tree))
    for hole in holes:
        check_name(hole, source)
    return tuple(holes)


def _check_nodes(tree: nodes.Template, source: str) -> None:
    roles = []
    for node in tree.body:
        where = f"{source}, line {node.lineno}"
        if isinstance(node, nodes.Block) and node.name in ROLES:
            roles.append(node.name)
        elif not _is_blank(node):
            raise PromptError(f"{where}: expected everything inside the blocks {' and '.join(ROLES)}.")
        for inner in node.find_all(nodes.Node):
            reaches_out = getattr(inner, "attr", "").startswith("_") or getattr(inner, "name", "") in _OUTSIDE
            if reaches_out or not isinstance(inner, _ALLOWED):
                raise PromptError(
                    f"{source}, line {inner.lineno}: a template is words, holes, if, for and a few filters; "
                    f"{type(inner).__name__} is not allowed."
                )
        for what, most, counts in _MULTIPLY:
            if (deep := _depth(node, counts)) > most:
                raise PromptError(
                    f"{where}: expected {what} at most {most} deep inside each other, got {deep}. Take the inner ones out."
                )
    if "user" not in roles:
        raise PromptError(f"{source}: expected a {{% block user %}}, which asks the question.")


def _depth(node: nodes.Node, counts: Callable[[nodes.Node], bool]) -> int:
    """How many of the nodes that count lie inside each other at most, `node` included."""
    return counts(node) + max((_depth(child, counts) for child in node.iter_child_nodes()), default=0)


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(part, nodes.TemplateData) and not part.data.strip() for part in node.nodes
    )


@lru_cache(maxsize=64)
def _compile(text: str) -> jinja2.Template:
    return _environment().from_string(_body(text))
