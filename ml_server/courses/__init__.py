"""Courses: what is learned from which data, and how. One for each model that can be trained here."""

from collections.abc import Mapping

from ml_server.courses.biopsies import Biopsies
from ml_server.courses.course import Course
from ml_server.courses.digits import HandwrittenDigits

DEFAULT = Biopsies.name
COURSES: Mapping[str, Course] = {course.name: course for course in (Biopsies(), HandwrittenDigits())}
