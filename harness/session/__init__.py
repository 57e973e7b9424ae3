"""One agent on one task: the loop, its prompt, its memory of itself, its end."""
