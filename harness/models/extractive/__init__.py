"""The embedded default: no language model, only quotes chosen by rule. Its answers say so."""

from harness.models.extractive.model import ExtractiveModel

__all__ = ["ExtractiveModel"]
