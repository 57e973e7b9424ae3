"""Finals on their way out of the house: one file for each channel."""
