-- Not to somebody who has one of the same subscription and product.
UPDATE OR IGNORE seats SET user_id = ?2 WHERE id = ?1
