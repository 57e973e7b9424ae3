"""The doctor: looks at everything that a home needs, and says of each fault what to do."""
