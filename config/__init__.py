"""One frozen settings object, the folders, and the server's keys.

Belongs here: whatever is read from the environment, a settings file or the data folder before a
process begins. Nothing else in the house reads the environment. Imports none of our others.
"""
