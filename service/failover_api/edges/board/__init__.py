"""The board: the service as people see it, in a browser.

    routes      the pages, and the files they need
    cards       a status as a card: its node, its claims, what is wrong with it, what this caller may do
    shelf       the board as it was made for somebody, shared by those who see the same
    sides       a unified diff as two sides
    forms       what a form says, and the fields of a move
    advice      what to do about an error, in plain words
    links       where things are at the Git host
    pages       templates, and the headers of every page
    assets      style sheet and script, named after their content

Everything works without script; script only makes it quicker.
"""
