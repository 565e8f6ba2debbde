"""Attacks made on one model and judged on another."""
