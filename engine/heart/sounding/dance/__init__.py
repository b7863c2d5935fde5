"""Dance Diffusion: its net, its checkpoints and its modes, for work that need not be live.

net          the U-Net, exactly; any depth, widths and attention
schedule     time, and the crash schedule
"""
