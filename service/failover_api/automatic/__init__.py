"""AUTOMATIC: what moves the services of a dead node by itself, if it was asked to; else nothing of it is loaded.

leader      one of the replicas leads, by a Lease: it saves calls, and safety is Git's compare-and-swap
control     what people say, kept in the Lease's annotations; what is told of it all
guard       the round of the replica that leads: observe, judge, ask the gates, move
facts       what has to be known of each service: Git as it was read, joined with the cluster as it is seen
last_look   asked right before a write: is what was decided true still
sharing     between what the judgement works with and what stands in the Lease
telling     who is told, of what, once
alert_desk, alert_mover    what alerts come to; what one asks for, carried out
fencer      the taint out-of-service
homecoming  failback
"""
