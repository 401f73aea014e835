"""What follows from what was read: values in, values out. No I/O, no clock, no log, no async here.

catalog, access    services.yaml and access.yaml, as values and from text
config             what both files have in common: YAML with its lines, schemas, secrets
search             which file of a repository holds a manifest
planning           where a service is, and the edits that move it
splice             the YAML editor
text               what is written for people, and read back
"""
