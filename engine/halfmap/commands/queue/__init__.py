"""What the commands that talk to the daemon share: asking it, finding jobs, and printing safely."""
