"""What the crew learns together: proposals that a person decides on."""
