"""Templates of tenants: kept in the database with their versions, and published to whoever renders them.

Start with ``index`` (what a name means) and ``index_file`` (how running processes come to know it, without SQL);
``store`` is what commands and the API change. Knows nothing of how a template is rendered.
"""
