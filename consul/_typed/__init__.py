"""The client as type checkers see it, one view per flavour; written by tools/typed.py.

Nothing here is imported when a program runs.
"""
