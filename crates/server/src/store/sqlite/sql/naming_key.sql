SELECT key FROM naming
