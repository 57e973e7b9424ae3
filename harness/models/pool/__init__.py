"""One GPU and many who want it: whose call runs where, when, and why."""
