"""The two ways in which bridgetune fails: the request was wrong, or the work failed.

Every message is one line that says what was given, what was expected and how to mend it.
"""


class BridgetuneError(Exception):
    """Base of every error that bridgetune raises on purpose. Command line: exit code 1."""


class RequestError(BridgetuneError, ValueError):
    """What was asked for cannot be done as asked: a wrong path, value or name.

    Nothing has been written. Command line: exit code 2.
    """


class WorkError(BridgetuneError, RuntimeError):
    """The request was right, and the work failed on the way: a loss that is no longer finite, say."""
