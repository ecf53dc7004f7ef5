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

local function is_open_search(key) return tonumber(call('HGET', key, 'open') or 0) > 0 end

-- A page counts once for each time it was asked for: of whoever comes later with it only offers
-- count that were not safe before. One that was not asked for is of an earlier search of the seed.
local function is_awaited(a, s)
  if a.page > get(s, 'planned') then return false end
  local is_current = not a.answered or a.answered == answers(s, a.page)
  if is_open(s, a.page) and is_current then return true end
  return a.rows and s.f[of('g', a.page)] and not came(s, a.page) -- buried, but it came after all
end

local function is_owner(id, delivery)
  return tonumber(call('HGET', DELIVERIES, id) or 0) == delivery
end

-- Rows are facts. That a page will never come, or is not needed, is only an opinion of its time.
local function still_holds(a, id)
  return a.rows or not a.delivery or is_owner(id, a.delivery)
end

local function settled(a, s, open)
  local closes = is_open(s, a.page) and 1 or 0
  if a.unneeded then
    dropped(s, a.page)
    return drop_unwanted(s, open - closes + ask(s, open - closes))
  end
  local is_refused = a.gone and string.sub(a.gone, 1, 8) == 'bad_seed'
  if is_refused and a.page > 1 and not told_more(s, a.page) then -- nothing says that it exists
    a.rows, a.ids, a.gone = 0, {}, nil
  end
  if a.gone then
    if not is_new(s, a.page) then
      call('HSET', s.key, of('g', a.page), a.gone)
      s.f[of('g', a.page)] = a.gone
    end
    return page_failed(s, a.page, open - closes)
  end
  call('HDEL', s.key, of('g', a.page))
  s.f[of('g', a.page)] = nil
  return page_came(s, a, open - closes)
end

local function ack(a)
  local id = id_of(a.seed, a.page)
  local key = P .. 'seed:' .. a.seed
  if not still_holds(a, id) then return end
  if not is_open_search(key) then -- its line claims nothing more
    unqueue(id)
    return
  end
  local s = search_of(a.seed)
  complete(s)
  local is_first = is_awaited(a, s)
  if is_first or not is_open(s, a.page) then unqueue(id) end
  call('HINCRBY', key, 'offers', keep_offers(a, is_first))
  if not is_first then return end
  if a.rows then call('HDEL', DEAD, id) end
  call('HINCRBY', key, 'calls', a.calls)
  local open = settled(a, s, get(s, 'open'))
  close_pages(a.seed, key, open - get(s, 'open'))
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
local SPOILED = { '^WRONGTYPE', 'not an integer', 'not a valid float', 'attempt to ', 'must be a number' }

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
