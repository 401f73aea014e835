"""From manifests and a request to edits: where a service is, what moves it, what undoes a move."""
