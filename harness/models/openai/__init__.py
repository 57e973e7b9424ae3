"""Any server that speaks OpenAI's chat completions: hosted ones, llama.cpp, vLLM, LM Studio."""

from harness.models.openai.model import OpenAIModel

__all__ = ["OpenAIModel"]
