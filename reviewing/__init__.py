"""People review: what they are asked, who gets what, how far they agree, and what that says of the graders."""
