"""Measure the graders on labelled exams, beside a peer."""
