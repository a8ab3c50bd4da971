"""Runtime sequences: played as host commands of the array."""
