"""What each request does: read it, ask the service, answer in JSON. One file for each group of requests."""
