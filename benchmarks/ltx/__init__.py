"""What the network costs against the published packages."""
