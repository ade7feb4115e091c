-- So many are enough for whoever was away for a moment; whoever was away for longer checks anyway.
DELETE FROM pushes WHERE id <= (SELECT coalesce(max(id), 0) FROM pushes) - 100000
