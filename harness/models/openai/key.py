"""The key of an endpoint: looked up where it lies, each time it is needed, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.config.secret_ref import SecretRef
from harness.models.port import ModelUnable
from harness.text.secrets import Redactor


@dataclass(frozen=True)
class Key:
    """Where the key lies; without a reference there is none, as on a server in the house."""

    reference: SecretRef | None = None
    environment: Mapping[str, str] | None = field(default=None, repr=False)  # absent: our own

    @property
    def place(self) -> str:
        """Where to put it, for a person."""
        if self.reference is None:
            return "api_key of the profile"
        return self.reference.env or str(self.reference.file)

    def headers(self) -> dict[str, str]:
        """What shows it to the server. Raises ModelUnable when it is not where it should be."""
        if self.reference is None:
            return {}
        value = self._value()
        if not value or not value.isascii() or not value.isprintable():
            raise ModelUnable(f"there is no key in {self.place}", hint=f"put it in {self.place}")
        return {"Authorization": f"Bearer {value}"}

    def hidden(self, text: str) -> str:
        """`text` without the key: some servers say it back."""
        return Redactor(filter(None, [self._value()])).text(text)

    def _value(self) -> str | None:
        try:
            return None if self.reference is None else self.reference.resolve(self.environment)
        except (OSError, UnicodeDecodeError):
            return None
