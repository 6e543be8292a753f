"""The delivery role: its composition root, its answers to operators, and what it writes down."""
