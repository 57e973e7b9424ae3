"""What was done, by whom: a chain of lines that nobody changes unseen."""
