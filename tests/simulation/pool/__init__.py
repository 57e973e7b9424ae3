"""A whole daemon against doubles of Ollama, for days: real HTTP, real files, virtual time."""
