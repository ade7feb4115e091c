SELECT id, name, contact FROM organisations ORDER BY name
