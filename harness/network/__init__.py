"""The one way out for tools: what may be reached, how it is asked, and how much is read."""
