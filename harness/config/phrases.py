"""Words and phrases that are looked for in requests, as people write them in files."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from harness.text.addressing import words_of


def with_a_word(phrase: str) -> str:
    """The phrase as it is. Raises ValueError when no text could hold it."""
    if not words_of(phrase):
        raise ValueError(f'there is no word in "{phrase}"')
    return phrase


Phrase = Annotated[str, AfterValidator(with_a_word)]
