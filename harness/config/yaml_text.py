"""YAML text made into plain data and the tree of its places, with one family of errors."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

from harness.text.surrogates import whole

TIMESTAMP = "tag:yaml.org,2002:timestamp"
TOO_DEEP = "this is nested too deeply"


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
    yaml.Constructor = PlainConstructor
    constructor, parser = yaml.get_constructor_parser(text)
    constructor.allow_duplicate_keys = True
    try:
        root = constructor.composer.get_single_node()
        return root, None if root is None else constructor.construct_document(root)
    except YAMLError:
        raise
    except Exception as error:  # the library lets several kinds through
        message = TOO_DEEP if isinstance(error, RecursionError) else f"no YAML: {error}"
        mark = parser.scanner.reader.get_mark()
        raise MarkedYAMLError(problem=message, problem_mark=mark) from error
    finally:
        parser.dispose()
