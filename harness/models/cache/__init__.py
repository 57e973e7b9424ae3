"""Answers that are given again to the same question: at temperature 0, without tools."""
