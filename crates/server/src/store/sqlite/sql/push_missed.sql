SELECT EXISTS (SELECT 1 FROM pushes JOIN devices ON devices.id = pushes.device_id
               WHERE pushes.device_id = ?1 AND pushes.id > devices.push_seen)
