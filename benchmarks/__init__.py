"""How fast, how big, how soon: scenarios that drive a running server and print figures.

``python -m benchmarks NAME --json``. Each scenario starts a server of its own, on free loopback
ports with a throw-away data folder, unless ``--server`` names one. docs/PERFORMANCE.md holds the
figures with their conditions. Nothing here is imported by the product.
"""
