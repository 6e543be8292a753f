"""What the operator writes. Start with ``schema``; knows nothing of the rest of Angarium."""
