"""What a core spends its cycles on, and what its machine code does that nobody can mean."""
