-- The gateway's ids of the pictures that were uploaded with an app key.
--
-- KEYS[1]  hash: sha256 of a picture -> its id
-- ARGV     operation (keep or forget), sha256, id, seconds that the hash is kept after a write
-- Answers  the id that counts for the picture now, or ''
--
-- Both may run twice. The first id kept counts for all workers, so that all have the same one to
-- forget; one is forgotten only by its own name.

local key, operation, sha256, imgid = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

if operation == 'keep' then
  redis.call('HSETNX', key, sha256, imgid)
  redis.call('EXPIRE', key, ARGV[4])
elseif redis.call('HGET', key, sha256) == imgid then
  redis.call('HDEL', key, sha256)
end
return redis.call('HGET', key, sha256) or ''
