"""What operators see of the queue and do to it: for a running server and for a stopped one."""
