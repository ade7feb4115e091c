INSERT INTO sequences (device_id, product, seq) VALUES (?1, ?2, ?3)
ON CONFLICT (device_id, product) DO UPDATE SET seq = max(seq + 1, excluded.seq)
RETURNING seq
