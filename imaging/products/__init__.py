"""The catalogue of products: its words, its index, and its import.

terms       the terms of a text: what it is about, in Korean and English
index       keeps the terms of products in the database, and finds products by them
csv_files   reads a CSV file of products, with errors by line
importing   writes such a file into the catalogue
"""

from typing import Final

COLUMNS: Final = ("name", "price", "purchase_place", "purchase_url", "image_url", "main_category", "sub_category")
REQUIRED: Final = ("name", "price", "purchase_place", "purchase_url", "main_category")  # of them
