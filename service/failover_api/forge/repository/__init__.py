"""A repository, whoever serves it: what our own writes made of it, and those that may land yet."""
