"""How processes live: started, watched, reloaded, drained; one each, or all in one event loop."""
