"""What is wrong with a mail before it is sent: blockers and hints, each with its reason. Pure.

Start with ``check`` (all rules, over one mail), ``mail`` (what is looked at) and ``rule`` (what a rule is). Each module
called ``..._rules`` has the rules of one part of a mail, and says where they are broken. Bounded in time and memory,
whatever the mail is.
"""
