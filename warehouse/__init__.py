"""Records on disk: the ledger of what was paid for, sealed tables, a catalog of views."""
