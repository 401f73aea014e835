"""The board: the web pages.

    routes      the pages, and the files they need
    rows        the rows: a service's side and node, since when, what is wrong, what this caller may do
    moves       the pages of a move: look, then confirm
    form_moves  what such a page is about: a service, a group, a node
    nodes       the strip of nodes
    returns     the card of those that may go home
    copies      a service's data on its other side
    rollouts    the timeline of a move, once it is made
    shelf       a cache of rendered boards, shared by callers who see the same
    sides       the side-by-side diff
    forms       reading posted forms
    advice      advice on each error, in plain words
    links       links to the Git host's web pages
    pages       templates, and the headers of every page
    assets      style sheet and script, named after their content

Everything works without script; script only makes it quicker.
"""
