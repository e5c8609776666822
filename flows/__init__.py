"""The order of things. Prefect, Typer and the environment variables we define live here and nowhere else."""
