"""GitHub: `adapter` is the port over its REST and GraphQL; each other module is one part of it."""
