"""What agents know, as files: lessons, long-term memory, and the index that finds them."""
