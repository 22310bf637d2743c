"""The law as data: what a policy says, and what may leave under it. Nothing here touches the outside world."""
