"""Allocation of places to applicants: arrays in, proposal out. No clock, no database, no files."""
