"""The Django project: settings, paths, WSGI. Knows every app, does nothing itself."""
