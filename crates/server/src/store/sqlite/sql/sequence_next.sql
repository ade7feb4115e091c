-- The next number of a product on a device. All that nobody has made count under the empty name, so that what is invented takes no
-- room; one that is made later begins above that.
INSERT INTO sequences (device_id, product, seq)
VALUES (?1, coalesce((SELECT key FROM products WHERE key = ?2), ''),
        max(?3, coalesce((SELECT seq + 1 FROM sequences WHERE device_id = ?1 AND product = ''), 0)))
ON CONFLICT (device_id, product) DO UPDATE SET seq = max(seq + 1, excluded.seq)
RETURNING seq
