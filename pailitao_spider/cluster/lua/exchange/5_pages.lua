-- What became of pages.

local function keep_offers(a, is_first)
  local fresh = 0
  for i = 1, #a.offers, 2 do
    fresh = fresh + call('SADD', P .. 'ids:' .. a.offers[i], a.offers[i + 1])
  end
  if m.dedup == 'seed' then
    for _, offer in ipairs(a.own) do
      fresh = fresh + call('SADD', P .. 'got:' .. a.seed, offer)
    end
  elseif is_first then
    fresh = fresh + #a.own
  end
  return fresh
end

local function page_fact(a) return (a.gone or a.unneeded) and -1 or a.rows end

local function is_open(key) return tonumber(call('HGET', key, 'open') or 0) > 0 end

-- A page counts once: of whoever comes later with it only offers count that were not safe before.
-- One that was not asked for is of an earlier search of the seed.
local function is_first_word(a, key)
  local field = 'p' .. string.format('%d', a.page)
  if a.page > tonumber(call('HGET', key, 'planned')) then return false end
  if call('HSETNX', key, field, page_fact(a)) == 1 then return true, 1 end
  if call('HGET', key, field) == '-1' and page_fact(a) >= 0 then -- buried, but it came after all
    call('HSET', key, field, page_fact(a))
    call('HDEL', key, 'g' .. string.format('%d', a.page))
    return true, 0
  end
  return false
end

local function is_owner(id, delivery)
  return tonumber(call('HGET', DELIVERIES, id) or 0) == delivery
end

-- Rows are facts. That a page will never come, or is not needed, is only an opinion of its time.
local function still_holds(a, id, key)
  if a.unneeded then return a.page > tonumber(call('HGET', key, 'end') or PAGE_LIMIT) end
  return a.rows or not a.delivery or is_owner(id, a.delivery)
end

local function ack(a)
  local id = id_of(a.seed, a.page)
  local key = P .. 'seed:' .. a.seed
  if not still_holds(a, id, key) then return end
  unqueue(id)
  if not is_open(key) then return end -- its line claims nothing more
  local is_first, closes = is_first_word(a, key)
  call('HINCRBY', key, 'offers', keep_offers(a, is_first))
  if not is_first then return end
  if a.rows then call('HDEL', DEAD, id) end
  call('HINCRBY', key, 'calls', a.calls)
  if a.gone then
    call('HSET', key, 'g' .. string.format('%d', a.page), a.gone)
    close_pages(a.seed, key, -closes)
  elseif a.unneeded then
    close_pages(a.seed, key, -closes)
  else
    close_pages(a.seed, key, came(a, key) - closes)
  end
end

local function bury(id, why)
  local seed, page = parts_of(id)
  local deliveries = whole(call('HGET', DELIVERIES, id)) or 0
  call('HSET', DEAD, id, cmsgpack.pack({ why = why, n = deliveries, at = now, w = m.worker }))
  buried[#buried + 1] = shown(id)
  unqueue(id)
  local a = { seed = seed, page = page, gone = 'buried: ' .. why, calls = 0, offers = {}, own = {} }
  if seed then pcall(ack, a) end
end

-- Runs what handles one entry. One whose data cannot be worked with is buried, and stands in
-- nobody's way; whatever else Redis refuses ends the call.
local SPOILED = { '^WRONGTYPE', 'not an integer', 'not a valid float', 'attempt to ' }

local function guarded(id, handle, ...)
  local is_done, found = pcall(handle, ...)
  if is_done then return found end
  local why = tostring(type(found) == 'table' and found.err or found)
  for _, kind in ipairs(SPOILED) do
    if string.find(why, kind) then return bury(id, 'spoiled: ' .. string.sub(why, 1, 120)) end
  end
  error(found, 0)
end

local function give_back(b)
  if not is_owner(b.id, b.delivery) then return end
  local seed, page = parts_of(b.id)
  unqueue(b.id)
  if b.failures > 0 then call('HSET', ATTEMPTS, b.id, b.failures) end
  if b.delay > 0 then
    call('ZADD', LEASE, now + b.delay, b.id)
  else
    queue(seed, page)
  end
end
