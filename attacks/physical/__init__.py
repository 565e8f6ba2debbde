"""Attacks that can be printed and placed in a scene."""
