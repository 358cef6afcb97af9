"""Services of desk photos: each has one interface, and a setting names the class that does it.

    desk_classify     is it a desk?
    vision2text       what is in the picture, in words
    image_generation  the new picture
    product_search    what to buy
    storage           where pictures are kept, and links to them

Another provider is one class in one module, and its dotted name in a setting: see docs/desk-photos.md.
"""

from imaging.services.desk_classify import DESK_CLASSIFY

KINDS = (DESK_CLASSIFY,)
