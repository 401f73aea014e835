"""A bare repository, read and written as Git does it."""
