"""The gateway: what an idle connection costs, messages through the json dialect, and the honest among pests.

One noun a file: ``callers`` (light TCP clients), ``memory``, ``messages``, ``pests`` (a program of its own),
``honest`` (the pair whose patience is measured), ``scenario`` (all of it, and the bars).
"""
