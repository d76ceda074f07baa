"""The benchmark: measures backup and restore, and the least work for the same data. `bin/bench` runs it."""
