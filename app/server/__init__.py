"""Processes and routes: the web server, the worker, the command line, the composed schema.

Belongs here: what starts, opens, wires or serves. May import every package below; nothing imports it.
"""
