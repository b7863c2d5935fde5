"""Single notes of instruments: an autoencoder whose latents are faders, and a generator of its latents."""
