"""Benchmarks by real job: made workloads, a floor in C, and what a user would pick instead."""
