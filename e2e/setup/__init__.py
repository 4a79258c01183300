"""What the suite needs on a machine: a browser, Node's packages, the built reference frontend.

Everything here is found first and installed only when it is not there. Importing it costs the standard library only.
"""
