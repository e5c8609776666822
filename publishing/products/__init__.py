"""The builders: one file for each kind of product, each from all groups of one problem to its rows."""
