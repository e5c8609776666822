"""Problems that a teacher writes from seeds, and how their answers are found."""
