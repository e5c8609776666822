"""Families of generated problems, one file each: a plain function of a random source and a difficulty."""
