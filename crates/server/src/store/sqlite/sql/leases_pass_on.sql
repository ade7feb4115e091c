-- The same machine under a new key: what it held counts from when it took it.
UPDATE OR REPLACE leases SET device_id = ?2 WHERE device_id = ?1
