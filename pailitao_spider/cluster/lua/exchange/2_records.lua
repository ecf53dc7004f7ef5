-- What is kept of seeds and pages, and how it is read.

local function unpacked(raw)
  if not raw then return nil end
  local is_whole, value = pcall(cmsgpack.unpack, raw)
  return is_whole and type(value) == 'table' and value or nil
end

-- What others wrote is checked before it is used: a worker reads UTF-8 and whole numbers only.

local CHARACTERS = { -- beyond ASCII, by their first bytes
  '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '[\225-\236][\128-\191][\128-\191]',
  '\237[\128-\159][\128-\191]', '[\238-\239][\128-\191][\128-\191]',
  '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
  '\244[\128-\143][\128-\191][\128-\191]',
}

local function is_text(raw)
  if type(raw) ~= 'string' then return false end
  if not string.find(raw, '[\128-\255]') then return true end
  for _, character in ipairs(CHARACTERS) do raw = string.gsub(raw, character, ' ') end
  return not string.find(raw, '[\128-\255]')
end

local function shown(raw)
  return is_text(raw) and raw or (string.gsub(raw, '[\128-\255]', '?'))
end

local function whole(raw)
  local number = tonumber(raw)
  return number and number >= 0 and number < 2 ^ 53 and number % 1 == 0 and number or nil
end

local function moment(raw)
  local number = tonumber(raw)
  return number and number >= 0 and number < 1e11 and number or nil
end

local STATES = { waiting = 1, open = 1, done = 1, empty = 1, partial = 1, failed = 1 }
local MEMBERS = { p = is_text, y = is_text, e = whole, f = whole, r = whole, t = whole,
  o = whole, l = whole,  b = moment, x = moment }

-- Nil as well for a record that is none.
local function record_of(seed)
  local record = unpacked(call('HGET', SEEDS, seed))
  if not record or not STATES[record.s] then return nil end
  for name, is_good in pairs(MEMBERS) do
    if record[name] ~= nil and not is_good(record[name]) then return nil end
  end
  return record
end

local function put_record(seed, record) call('HSET', SEEDS, seed, cmsgpack.pack(record)) end

local function is_final(record)
  return record.s ~= 'open' and record.s ~= 'waiting'
end

local function id_of(seed, page) return seed .. '/' .. string.format('%d', page) end

local function parts_of(id)
  local seed, page = string.match(id, '^(.+)/([1-9]%d?%d?%d?)$')
  return seed, tonumber(page)
end

local function queue(seed, page, is_further)
  local place = count('seq', 1) + ((page > 1 or is_further) and 0 or FIRST_PAGES)
  call('ZADD', READY, place, id_of(seed, page))
end

local function unqueue(id)
  call('ZREM', READY, id)
  call('ZREM', LEASE, id)
  call('ZREM', SUSPECT, id)
  call('HDEL', DELIVERIES, id)
  call('HDEL', ATTEMPTS, id)
end
