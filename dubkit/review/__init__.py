"""What a person changes: edits kept apart from what stages wrote."""
