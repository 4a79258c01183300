"""Installs what the suite needs: Python packages, a browser, npm packages, the built reference frontend.

Every step looks first, and installs only what is missing. Nothing here imports an installed package, because the first
step runs before anything is installed.
"""
