"""From the socket to the endpoints, with faults on the way."""
