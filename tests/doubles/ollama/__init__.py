"""A double of the Ollama server: real HTTP, its scheduler, its silences, and its faults."""

from tests.doubles.ollama.answers import Answer, Fault, Load, Trouble, call
from tests.doubles.ollama.double import OllamaDouble
from tests.doubles.ollama.engine import Rules, Weights

__all__ = ["Answer", "Fault", "Load", "OllamaDouble", "Rules", "Trouble", "Weights", "call"]
