"""Ask on several machines: the head plans and keeps the books, nodes ask and grade, Ray carries what they say."""
