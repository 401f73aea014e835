"""What `serve` keeps an eye on by itself. Nothing here moves a service; a strategy that a move changed is put back.

rollouts    moves on their way to a running app: who serves, who is blocked, for how long
verifier    asks apps whether they answer, where the catalog has `verify`
readiness   once an hour, and when a node is lost: which services could be moved now, and where to
"""
