"""The order of things. Prefect, Typer and environment variables live here and nowhere else."""
