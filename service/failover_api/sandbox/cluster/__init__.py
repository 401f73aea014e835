"""A simulated Kubernetes cluster."""
