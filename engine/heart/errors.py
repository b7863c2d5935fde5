"""Everything that can go wrong on purpose.

HeartError            one line for the user: the thing, the value, the way out   (exit 1)
├── UsageError        asked for something that cannot be                        (exit 2)
├── FileError         a file that is missing, damaged, too large or not what it says
├── DeviceError       a sound device that is absent, busy or lost
├── WireError         a message or an address that breaks the protocol
└── WorkerError       a child process that died or did not answer
"""


class HeartError(Exception):
    """Root of all errors that are shown to a user as one line."""

    exit_code = 1


class UsageError(HeartError):
    """The request itself is wrong: an unknown name, a value out of range."""

    exit_code = 2


class FileError(HeartError):
    """A file is missing, damaged, too large, or not what its name says."""


class DeviceError(HeartError):
    """A sound device is absent, busy or lost."""


class WireError(HeartError):
    """A message breaks the protocol.

    `code` is the word sent in `/heart/error`, `address` the address it speaks of.
    """

    def __init__(self, code: str, address: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.address = address


class WorkerError(HeartError):
    """A child process died or did not answer in time."""
