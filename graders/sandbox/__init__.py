"""The Docker side of grading: warm containers that run programs and know no answers."""
