-- How the gate of an app key stands. Writes nothing.
--
-- KEYS[1]  {pailitao-app:<hash>}:gate; see gate.lua
-- ARGV[1]  the key of the day's calls; see budget.lua
-- Returns  {calls a second, refusals so far, rate of the settings, blocked until, calls today,
--          seconds, microseconds}; the first is empty where nobody has called of late

local time = redis.call('TIME')
local gate = redis.call('HMGET', KEYS[1], 'per_second', 'generation', 'given', 'blocked_until')
local calls = redis.call('HGET', ARGV[1], 'calls')
return {
  gate[1] or '', gate[2] or '0', gate[3] or '0', gate[4] or '0', calls or '0', time[1], time[2],
}
