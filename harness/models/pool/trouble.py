"""Why a call gets no slot at all, as one error."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models.port import ModelError, ModelUnavailable


def none_of(troubles: Sequence[ModelError]) -> ModelError:
    """The error for a call that none of its hosts serves: of one kind where they agree."""
    first, *others = troubles
    said = dict.fromkeys(str(error) for error in troubles)
    if len(said) == 1:
        return first
    kind = type(first) if all(type(each) is type(first) for each in others) else ModelUnavailable
    return kind("; ".join(said), hint=first.hint)


def closed() -> ModelUnavailable:
    """The error for a call to a pool that is closed, or is just being closed."""
    return ModelUnavailable("the pool of models is closed")


def stumbled() -> ModelUnavailable:
    """The error for a call that an error of our own keeps from its slot."""
    return ModelUnavailable("the pool of models stumbled over an error of its own; the log has it")


def gone(hosts: Sequence[str]) -> ModelUnavailable:
    """The error for a call whose hosts are no longer in the settings."""
    return ModelUnavailable(f"no host {' or '.join(hosts)} in the settings any more")
