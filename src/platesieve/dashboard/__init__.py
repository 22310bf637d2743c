"""The police dashboard: who may look, what they are shown, and what is written down before they are shown it.

Pages are drawn on the server; the little script only keeps the list of hits live and counts down a reveal. Nothing is
fetched from elsewhere. `doorway` is the one way in: every page states there who may see it.
"""
