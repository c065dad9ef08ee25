"""The LTX-2 network in plain PyTorch: transformer, autoencoders, vocoder, upsampler, text path, weights.

This package imports nothing else of dubkit and raises plain `ValueError`. Begin with `transformer.py`.
"""
