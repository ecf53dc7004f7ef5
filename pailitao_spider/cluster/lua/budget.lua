-- One call of a day's number.
--
-- KEYS[1]  {pailitao-app:<hash>}:calls:<Beijing day>, the calls made that day; lives for three days
--          after its last call.
-- ARGV[1]  the calls that the day allows
-- Returns  whether this one may go (1 or 0), and the day's calls with it
--
-- Run twice for one call, as after a lost answer, it counts one too many and lets none too many go.

local LIFE_SECONDS = 259200

local number = tonumber(redis.call('GET', KEYS[1]) or 0)
if number >= tonumber(ARGV[1]) then
  return { 0, number }
end
number = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], LIFE_SECONDS)
return { 1, number }
