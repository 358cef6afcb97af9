"""Admission control: what a request must pass before Django sees it, so that slow callers hold up nobody else.

granian gives each request a thread, and a thread costs little. So a caller that sends or reads slowly holds a thread,
and nothing else. What is scarce, slots to run in Django and memory for bodies, is given to complete requests only.

`application` is the WSGI layer. `routes` says which limits apply to a path. `slots` and `memory` are what requests take
turns for. `exchanges` knows who is still sending, and `watchdog` cuts off those who are late.
"""
