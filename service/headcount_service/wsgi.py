"""What gunicorn serves: the application around the publisher that the settings ask for.

Importing this connects to nothing. `gunicorn.conf.py` starts the publisher in each worker.
"""

from headcount_service.app import create_app
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

_settings = load_settings()
app = create_app(_settings, make_publisher(_settings))
