"""What things are: frozen records shared by every room, with no I/O of their own."""
