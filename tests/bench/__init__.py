"""`make bench`: how fast Bellwether is beside the model alone, a hand-written loop and other frameworks doing the same job.

`contenders` says who takes part, `rounds` lets them run by turns, `report` makes JSON and Markdown of what was measured. A contender
that reads Kafka is a process of its own and measures itself by `meter`; Bellwether's own processes are measured from outside by `ours`.
"""
