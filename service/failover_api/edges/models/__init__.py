"""The shapes of the JSON bodies, as OpenAPI shows them; a module a subject. Keys that several have: fields.py.

How they are made from values: the module of the same name in bodies/. What may change in them, and how long a key
lives: README.md.
"""
