"""Services of desk photos: each has one interface, and a setting names the class that does it.

    desk_classify     is it a desk?
    vision2text       what is in the picture, in words
    image_generation  the new picture; v2 asks `custom`, one's own model server
    product_search    products for a keyword

`storage` keeps the pictures that were made; the settings of attachments select where.

Another provider is one class in one module, and its dotted name in a setting: see docs/extending.md.
"""

from imaging.services.custom import CUSTOM_GENERATION
from imaging.services.desk_classify import DESK_CLASSIFY
from imaging.services.image_generation import IMAGE_GENERATION
from imaging.services.product_search import PRODUCT_SEARCH
from imaging.services.vision2text import VISION2TEXT

KINDS = (DESK_CLASSIFY, VISION2TEXT, IMAGE_GENERATION, PRODUCT_SEARCH)
DRAWERS = {"v1": IMAGE_GENERATION, "v2": CUSTOM_GENERATION}  # by the version in the path
