"""The API server over HTTP: any Kubernetes client can speak to it."""
