"""Tests mirror the folders; ``system`` runs real processes. Users are ani, budi, citra and dewi."""
