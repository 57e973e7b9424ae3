"""What was asked, taken up, answered: the durable event bus."""
