"""Put new frames into a picture stream and copy the rest."""
