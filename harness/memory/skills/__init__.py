"""Skills that grow out of lessons, as proposals."""
