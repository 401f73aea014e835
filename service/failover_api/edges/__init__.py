"""Where the world touches us: HTTP, the command line, the demo. Thin: parse, call one use case, shape the answer."""
