"""The house's own work on its memory: reflect, gather, compress; mostly at night."""
