"""What ``postmaster check`` and ``doctor`` look at, each its own module; ``finding`` is what they find."""
