"""The engine of the queue: law, domain, store, night and the command `kezek`."""
