"""The command `kezek`."""
