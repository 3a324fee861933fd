"""Material for tests and demonstrations that needs no download."""
