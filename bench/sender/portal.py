"""The portal's sender as `manage.py send_pushes` runs it: says "ready", waits for a line, drains, says what it took."""

from bench.sender.measured import drained


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    import wechat.management.commands.send_pushes  # noqa: F401 - a long-lived process has it loaded

    drained(lambda: call_command("send_pushes"))


if __name__ == "__main__":
    main()
