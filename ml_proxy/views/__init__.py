"""HTTP views: each view parses the request, calls one use case, and builds the response."""
