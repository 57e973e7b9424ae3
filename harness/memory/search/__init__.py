"""Finding again what the files of a home say. The index comes from them and may go any time."""
