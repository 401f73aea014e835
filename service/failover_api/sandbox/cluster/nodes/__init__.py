"""The machines: what runs on them whatever the API server believes, and their kubelets."""
