"""Lessons: `.learnings/`, read to the byte, counted, and kept apart from strangers' words."""
