"""The entry points: HTTP, command line, job, demo. Thin: parse, call one use case, shape the answer."""
