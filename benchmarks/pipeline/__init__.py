"""What dubkit itself costs, against doing the bare thing."""
