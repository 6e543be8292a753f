"""What a filter says when it cannot do what it is asked. Pure."""


class FilterError(Exception):
    """Its text is for the template's author. The filter's name and place are added by whoever called it."""
