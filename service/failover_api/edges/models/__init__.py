"""The shapes of the JSON bodies, as OpenAPI shows them: each key with what fields.py says of it; a module a subject.

How they are made from values: the module of the same name in bodies/. What may change in them, and how long a key
lives: README.md.
"""
