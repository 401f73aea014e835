"""What `serve` keeps an eye on by itself. Nothing here begins a move; what a move has begun is brought to its end.

rollouts    moves on their way to a running app: who serves, who is blocked, for how long
waves       moves in waves: the next one is written once what it waits for serves
relocations planned moves in five steps: each is made once the one before is seen to have ended
verifier    asks apps whether they answer, where the catalog has `verify`
readiness   once an hour, and when a node is lost: which services could be moved now, and where to
drills      once an hour: when each service was drilled last
looks       what they have in common
"""
