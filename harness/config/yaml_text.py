"""YAML text made into plain data and the tree of its places, with one family of errors."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, Node
from ruamel.yaml.scanner import Scanner, ScannerError

from harness.text.surrogates import whole

TIMESTAMP = "tag:yaml.org,2002:timestamp"
TOO_DEEP = "this is nested too deeply"
DEEPEST = 100  # brackets within brackets
WITHIN = "an alias in this value refers to the value itself"
TOO_MANY = "the aliases in this value make more than a file can mean"
ALIASED = 100_000  # values that aliases may add; a bomb of ten lines adds a billion


class ShallowScanner(Scanner):
    """Refuses brackets within brackets early: each one costs the library more than the last."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: Any) -> None:
        if len(self.flow_context) >= DEEPEST:
            raise ScannerError(None, None, TOO_DEEP, self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


class PlainConstructor(SafeConstructor):
    """Makes plain data, and names the place of a value that the library trips over."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (YAMLError, RecursionError):
            raise
        except Exception as error:  # a number of 5000 digits, `!!bool perhaps`
            message = f"this value cannot be read: {error}"
            raise ConstructorError(None, None, message, node.start_mark) from error

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        # escapes can say halves of a surrogate pair, which no message can hold
        return whole(value) if isinstance(value, str) else value


# YAML's own times lose their zone, and cron.yaml means the wall clock: keep what was written
PlainConstructor.add_constructor(TIMESTAMP, SafeConstructor.construct_yaml_str)


def load_yaml(text: str) -> tuple[Node | None, Any]:
    """The root node of a text and its data, None for a text that says nothing.

    Raises MarkedYAMLError with the place of the fault, or ReaderError for a character that
    YAML does not allow. A key that is given twice is let through: all are told afterwards.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor, yaml.Scanner = PlainConstructor, ShallowScanner
    constructor, parser = yaml.get_constructor_parser(text)
    constructor.allow_duplicate_keys = True
    try:
        root = constructor.composer.get_single_node()
        if root is None:
            return None, None
        refuse_bomb(root)
        return root, constructor.construct_document(root)
    except YAMLError:
        raise
    except Exception as error:  # the library lets several kinds through
        message = TOO_DEEP if isinstance(error, RecursionError) else f"no YAML: {error}"
        mark = parser.scanner.reader.get_mark()
        raise MarkedYAMLError(problem=message, problem_mark=mark) from error
    finally:
        parser.dispose()


def refuse_bomb(root: Node) -> None:
    """Raises MarkedYAMLError for aliases that make a value part of itself, or far too many of it.

    The data itself stays small, as the values are shared; whoever writes it out, compares or
    merges it meets every one.
    """
    sizes: dict[int, int] = {}  # of the values that are counted whole
    entered: set[int] = set()  # those that we are inside of
    stack = [root]
    while stack:
        node = stack[-1]
        if id(node) in sizes:
            stack.pop()
        elif id(node) in entered or not parts_of(node):
            sizes[id(node)] = 1 + sum(sizes[id(part)] for part in parts_of(node))
            entered.discard(id(node))
            if sizes[id(node)] - len(sizes) > ALIASED:
                raise MarkedYAMLError(problem=TOO_MANY, problem_mark=node.start_mark)
        else:
            entered.add(id(node))
            if not entered.isdisjoint(map(id, parts_of(node))):
                raise MarkedYAMLError(problem=WITHIN, problem_mark=node.start_mark)
            stack += parts_of(node)


def parts_of(node: Node) -> list[Node]:
    """What a list holds; the keys and the values of a mapping."""
    if not isinstance(node, CollectionNode):
        return []
    return [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
