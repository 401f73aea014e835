"""From manifests and a wish to edits: where a service is, what moves it, what undoes a move."""
