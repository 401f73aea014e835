"""access.yaml: who may do what, as values (`model`) and from text (`load`)."""
