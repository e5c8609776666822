"""Math answers against each other: exact numbers first, then shapes, then algebra in killable workers."""
