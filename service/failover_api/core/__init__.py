"""The thinking. Law of this room: text and values in, text and values out; no I/O, no clock, no log, no async."""
