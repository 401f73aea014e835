"""Finders of hazards, one file a subject. Each is a function of a move and its surroundings, named after its slug."""
