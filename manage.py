#!/usr/bin/env python
"""Run a management command, with the embedded services beside it when it needs them."""

import os
import sys


def main() -> int:
    """Bring up what the command needs, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded

    try:
        embedded.ensure_for(sys.argv[1:])
    except embedded.EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
