"""Framings of WebSockets and of bodies: raw frames in, messages out. Nothing here knows a browser or a profile.

A framing is one decorated class in ``decoders/``: the profile, the wire and discovery find it by itself.
"""
