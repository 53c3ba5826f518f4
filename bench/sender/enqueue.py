"""Publishes one task of the usual peer for each push that is due."""


def main() -> None:
    import django

    django.setup()
    from bench.usual.sender import app, send
    from waybills.models import Push

    with app.producer_pool.acquire() as producer:
        for push_id in Push.objects.pending().order_by("pk").values_list("pk", flat=True):
            send.apply_async([push_id], producer=producer)


if __name__ == "__main__":
    main()
