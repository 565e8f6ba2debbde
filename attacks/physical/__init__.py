"""Attacks that can be printed and put into the scene."""
