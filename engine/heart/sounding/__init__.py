"""What the engine sings: wishes in, chunks out.

`registry` names the voices, `voice` is the diffusion voice, `pulse` the heartbeat from arithmetic, `beats`
the clock both follow, `serve` the voice's process, `offline` the same loop into an array.
"""
