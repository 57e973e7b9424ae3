"""The daemon's services on a clock, a disk and a world that one seed decides."""
