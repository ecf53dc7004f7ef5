-- Calls of a day, by one app key.
--
-- KEYS[1]  {pailitao-app:<hash>}:use:<Beijing day>, a hash: calls, billed, spent (millionths of a
--          yuan), made that day by all workers and runs; lives for three days after its last call.
-- ARGV     calls to add, the calls that the day allows ('' is no limit), billed, spent to add
-- Returns  whether the calls may go (1 or 0; then none of them is counted), calls, billed, spent
--
-- Run twice for one call, as after a lost answer, it counts one too many and lets none too many go.

local LIFE_SECONDS = 259200

local key, calls, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local made = tonumber(redis.call('HGET', key, 'calls') or 0)
local granted = not (most and calls > 0 and made + calls > most)
local function add(name, number)
  if number ~= 0 then redis.call('HINCRBY', key, name, number) end
end
if granted then add('calls', calls) end
add('billed', tonumber(ARGV[3]))
add('spent', tonumber(ARGV[4]))
if redis.call('EXPIRE', key, LIFE_SECONDS) == 0 then return { granted and 1 or 0, 0, 0, 0 } end
local use = redis.call('HMGET', key, 'calls', 'billed', 'spent')
return {
  granted and 1 or 0, tonumber(use[1] or 0), tonumber(use[2] or 0), tonumber(use[3] or 0),
}
