"""The commands of the command line, a file a group; `flows/cli.py` names them all."""
