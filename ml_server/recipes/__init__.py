"""Recipes: for each model that can be trained here, its dataset and its training method."""

from collections.abc import Mapping

from ml_server.recipes.breast_cancer import BreastCancer
from ml_server.recipes.handwritten_digits import HandwrittenDigits
from ml_server.recipes.recipe import Recipe

DEFAULT_MODEL = BreastCancer.name
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (BreastCancer(), HandwrittenDigits())}
