"""Dance Diffusion: its net, its checkpoints and its modes, for work that need not be live.

net          the U-Net, exactly; any depth, widths and attention
schedule     time, and the crash schedule
recipe       sampler, steps and schedule: from noise to sound and back
model        an open net: device, precision, memory
windows      sounds too long for the memory
modes        generate, vary, interpolate; inpaint, extend
checkpoint   opens any file or folder with such a net; layouts, archives and pickles help it
speed        what a step costs
"""
