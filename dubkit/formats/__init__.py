"""Files of other programs: what dubkit reads and writes."""
