"""Days and bursts of model calls: who waits how long, and how often models are swapped."""
