-- Products that nobody has made share one number on each device, under the empty name: the highest that any of them had.
INSERT INTO sequences (device_id, product, seq)
SELECT device_id, '', max(seq) FROM sequences WHERE product NOT IN (SELECT key FROM products) GROUP BY device_id;
DELETE FROM sequences WHERE product <> '' AND product NOT IN (SELECT key FROM products);
