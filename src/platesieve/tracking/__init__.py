"""Which reads belong together: a step function of state, observations and now. Standard library only."""
