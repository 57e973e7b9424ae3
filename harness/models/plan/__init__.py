"""What models need of a GPU's memory, what fits together, and when another host pays off."""
