"""Processes and routes: the web server, the worker, the command line, and the schema put together.

Belongs here: what starts, opens, wires or serves. May know every package below; nothing imports from here.
"""
