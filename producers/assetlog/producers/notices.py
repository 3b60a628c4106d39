"""What the SDK says to the people who run it, through the logger `assetlog`. logging is loaded at the first word."""

from __future__ import annotations


def warn(text: str, *args: object) -> None:
    """Something is not as it should be; the task goes on."""
    import logging

    logging.getLogger("assetlog").warning(text, *args)


def inform(text: str, *args: object) -> None:
    """Something is well again."""
    import logging

    logging.getLogger("assetlog").info(text, *args)


def report_bug(text: str, bug: BaseException) -> None:
    """Something happened that must not, with its traceback."""
    import logging

    logging.getLogger("assetlog").error(text, exc_info=bug)


def warn_once(text: str) -> None:
    """Say something once per process."""
    if text not in _said:
        _said.add(text)
        warn("%s", text)


_said: set[str] = set()
