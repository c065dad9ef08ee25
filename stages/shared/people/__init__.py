"""What stages have to do with the people of a series: who they are, what it knows of them, what it learns."""
