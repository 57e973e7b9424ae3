"""What models may use up in a day."""
