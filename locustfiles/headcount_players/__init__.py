"""Simulated players for the scenarios beside this folder."""
