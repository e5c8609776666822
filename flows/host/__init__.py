"""What a run needs of this machine: Prefect's server, the interpreter, the sandbox image, the graders' tools."""
