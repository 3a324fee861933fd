"""The browser demo: a page that asks a model about one image, for one person at a time.

The page is plain HTML, style and script that the server sends itself: nothing is fetched from
elsewhere. All answers come from :class:`~mmdet_medglip.apis.MedGLIPInferencer`.
"""

from .demo_model import DemoModel
from .limits import Limits
from .refusal_error import RefusalError
from .service import DemoService

__all__ = ['DemoModel', 'DemoService', 'Limits', 'RefusalError']
