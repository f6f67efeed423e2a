"""Half sets that share as little as possible, and particles that were picked twice."""
