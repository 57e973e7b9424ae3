"""What models may use up in a day: reserved before a call, settled after it."""
