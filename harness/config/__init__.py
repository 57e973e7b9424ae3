"""The files of a home that people edit: read, checked, kept while they are good."""
