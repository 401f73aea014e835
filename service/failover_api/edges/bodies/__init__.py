"""The JSON bodies, made from what the use cases return. Their shapes: the module of the same name in models/.

Only those services are named that whoever asks may see.
"""
