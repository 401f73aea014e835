"""services.yaml: what can move, as values (`model`), as keys (`schema`), and from text (`load`)."""
