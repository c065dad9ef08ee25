"""The words of a line that fit its time: other texts, what they lose, and which one to take."""
