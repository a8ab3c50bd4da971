"""What is checked of a design and its sources before anything runs.

Its contract, what it takes of the array, the symbols that its functions need, and what they
take of a core's stack and data memory.
"""
