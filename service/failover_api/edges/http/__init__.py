"""Shared by all routes: access, sessions, limits, ETags, security headers."""
