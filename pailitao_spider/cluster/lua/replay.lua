-- Puts buried pages back into the queue and opens their seeds again.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`; the keys stand in exchange/1_names.lua
-- ARGV[1…] ids of buried pages, "<seed id>/<page>"
-- Returns  how many were put back; the others' seeds are gone or begun anew, or they are no pages

local P = KEYS[1]
local call = redis.call
local LACKS = { open = true, partial = true, failed = true }
local back = 0

local function uncount_short(record)
  if not record.l or not record.o or record.l <= record.o then return end
  call('HINCRBY', P .. 'counts', 'short', -1)
  call('HINCRBY', P .. 'counts', 'short_seen', 0 - record.o)
  call('HINCRBY', P .. 'counts', 'short_of', 0 - record.l)
end

local function reopen(seed, page, key, record)
  local number = string.format('%d', page)
  local asked = tonumber(call('HGET', key, 'k' .. number)) or 1
  call('HSETNX', key, 'c' .. number, 1)
  call('HSET', key, 'k' .. number, asked + 1)
  call('HDEL', key, 'g' .. number)
  call('HINCRBY', key, 'open', 1)
  if record.s ~= 'open' then
    call('HINCRBY', P .. 'counts', record.s, -1)
    uncount_short(record)
    call('HINCRBY', P .. 'counts', 'open', 1)
    call('ZREM', P .. 'ended', seed)
    call('HSET', P .. 'seeds', seed, cmsgpack.pack({ s = 'open', p = record.p }))
  end
  local place = call('HINCRBY', P .. 'counts', 'seq', 1) + (page == 1 and 1e13 or 0)
  call('ZADD', P .. 'ready', place, seed .. '/' .. number)
end

-- It is asked for once more already, in a further pass.
local function is_open(page, key)
  local f = call('HMGET', key, 'k' .. page, 'c' .. page)
  return f[1] and tonumber(f[1]) > tonumber(f[2] or 1)
end

-- The seed's record, when its search still lacks the page.
local function lacking(seed, page, key)
  if not seed or call('HEXISTS', key, 'g' .. page) == 0 or is_open(page, key) then return nil end
  local record = cmsgpack.unpack(call('HGET', P .. 'seeds', seed))
  return LACKS[record.s] and record
end

for _, id in ipairs(ARGV) do
  local seed, page = string.match(id, '^(.+)/([1-9]%d?%d?%d?)$')
  local key = seed and P .. 'seed:' .. seed
  local is_whole, record = pcall(lacking, seed, page, key)
  if is_whole and record and call('HDEL', P .. 'dead', id) == 1 then
    reopen(seed, tonumber(page), key, record)
    back = back + 1
  end
end
return back
