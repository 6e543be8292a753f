"""Steps from one form of the platform's tables to the next, run by Alembic. One that was released stays as it is."""
