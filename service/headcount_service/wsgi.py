"""The WSGI application that gunicorn serves, with the publisher that the settings select.

Importing this module opens no connection. `gunicorn.conf.py` starts the publisher in each worker.
"""

from headcount_service.app import create_app
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

_settings = load_settings()
app = create_app(_settings, make_publisher(_settings))
