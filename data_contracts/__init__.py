"""What we promise the people who download, one YAML file a product."""
