"""What a filter says when it cannot do what it is asked. Pure."""


class FilterError(Exception):
    """Its text is for the template's author. The filter's name and place are added by whoever called it."""


class MissingError(FilterError):
    """A variable is not given that must be. ``line`` and ``column``: of the source as its author wrote it, from 1."""

    def __init__(self, variable: str, line: int, column: int) -> None:
        super().__init__(
            f"{variable} is not given: give it, or write {{{{#if {variable}}}}} around it"
        )
        self.variable = variable
        self.line = line
        self.column = column
