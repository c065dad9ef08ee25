"""Put a generated clip back into the film: pictures in their place and colours, sound in time."""
