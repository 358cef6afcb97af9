"""Django permissions of desk photos."""

USE_IMAGING = "imaging.add_providercall"
READ_CALLS = "imaging.view_providercall"
