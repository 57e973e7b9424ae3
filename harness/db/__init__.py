"""SQLite as this house uses it: durable connections, numbered migrations, one writer."""
