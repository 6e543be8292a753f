"""The campaigns role: takes what tenants send by file on, and counts what becomes of it. There is one.

Start with ``role.run_campaigns``. While there is no campaign it costs a look at a table twice a second.
"""
