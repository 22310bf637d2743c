"""A fleet that is not there: made-up traffic that is sealed and sent like any other, and what came of it.

Nothing in here can be taken for a real camera or a real car: every site is called `simulated-N`, every plate
SIMULATED and three digits, every category and list `simulated`.
"""
