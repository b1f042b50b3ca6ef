"""What gunicorn serves: the application around the publisher that the settings ask for.

Importing this connects to nothing. `service/gunicorn.conf.py` starts the publisher in each worker.
"""

from service.app import create_app
from service.publisher import make_publisher
from service.settings import load_settings

_settings = load_settings()
app = create_app(_settings, make_publisher(_settings))
