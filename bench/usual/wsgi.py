"""How most Django projects would be served."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("USUAL_SETTINGS", "bench.usual.default_settings")
application = get_wsgi_application()
