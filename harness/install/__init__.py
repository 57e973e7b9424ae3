"""Running the crew as a service: units for systemd and launchd, rendered, placed and compared."""
