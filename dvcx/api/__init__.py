"""dvcx from Python: reading any version of the data, and everything that the command line does, without a terminal.

Nothing here prints, asks, or changes the current folder; errors are `dvcx.DvcxError` with a message and a hint.
"""
