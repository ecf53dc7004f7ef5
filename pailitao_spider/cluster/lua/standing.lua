-- How a run stands. Writes nothing.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`; the keys stand in exchange/1_names.lua
-- Returns  {waiting, counts, ready, leased, suspect, buried, ended, workers, seconds, microseconds}

local P = KEYS[1]
local call = redis.call
local time = call('TIME')
return {
  call('LLEN', P .. 'waiting'), call('HGETALL', P .. 'counts'), call('ZCARD', P .. 'ready'),
  call('ZCARD', P .. 'lease'), call('ZCARD', P .. 'suspect'), call('HLEN', P .. 'dead'),
  call('ZCARD', P .. 'ended'), call('HGETALL', P .. 'workers'), time[1], time[2],
}
