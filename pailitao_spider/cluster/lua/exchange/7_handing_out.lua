-- Pages and ledger lines that go out to workers.

-- Also after its lease, as long as nobody else was given the page.
local function renew(h)
  local is_his = is_owner(h.id, h.delivery)
    and (call('ZSCORE', LEASE, h.id) or call('ZREM', SUSPECT, h.id) == 1)
  if is_his then call('ZADD', LEASE, now + m.lease_seconds, h.id) end
  return is_his
end

local function reclaim_page(id)
  local deliveries = tonumber(call('HGET', DELIVERIES, id) or 0)
  local seed, page = parts_of(id)
  call('ZREM', LEASE, id)
  if deliveries > 0 then reclaimed = reclaimed + 1 end
  if not seed then
    bury(id, 'no page of a seed')
  elseif deliveries >= m.most_deliveries then
    bury(id, string.format('%d workers vanished with it', deliveries))
  elseif deliveries > 0 then
    call('ZADD', SUSPECT, now, id)
  else
    queue(seed, page)
  end
end

local function reclaim()
  local beat = tonumber(call('HGET', COUNTS, 'beat') or now)
  local grace = tonumber(call('HGET', COUNTS, 'grace') or 0)
  if now - beat > OUTAGE then
    grace = now + GRACE
    call('HSET', COUNTS, 'grace', string.format('%.6f', grace))
  end
  call('HSET', COUNTS, 'beat', string.format('%.6f', now))
  if now < grace then return end
  for _, id in ipairs(call('ZRANGEBYSCORE', LEASE, '-inf', now, 'LIMIT', 0, 200)) do
    guarded(id, reclaim_page, id)
  end
end

local function is_payload(raw) return #raw <= 4 * m.most_line_bytes and is_text(raw) end

local function is_gateway(name) return name and #name <= 1000 and is_text(name) end

local function is_cursor(raw) return raw and #raw <= 8192 and is_text(raw) end

local function page_out(id, delivery)
  local seed, page = parts_of(id)
  local f = seed and call('HMGET', P .. 'seed:' .. seed, 'payload', 'size', 'end', 'gateway',
    of('c', page), of('p', page), of('x', page))
  if not f or not f[1] then return bury(id, 'no such seed') end
  if not is_payload(f[1]) or not is_text(id) then
    return bury(id, string.format('its seed is no text, or too long: %d bytes', #f[1]))
  end
  call('HSETNX', P .. 'seed:' .. seed, 'started', string.format('%.6f', now))
  return {
    seed = seed, page = page, delivery = delivery, payload = f[1], size = whole(f[2]),
    answered = whole(f[5]) or (f[6] and 1 or 0), cursor = is_cursor(f[7]) and f[7] or nil, last = whole(f[3]), gateway = is_gateway(f[4]) and f[4] or nil,
    failures = whole(call('HGET', ATTEMPTS, id)) or 0,
  }
end

local function popped(key, number)
  local ids, found = {}, call('ZPOPMIN', key, number)
  for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
  return ids
end

-- One worker at a time empties its hands for the suspects; a worker with empty hands takes one.
local function next_ids()
  if m.want < 1 then return {}, false end
  if call('ZCARD', SUSPECT) == 0 then return popped(READY, m.want), false end
  if m.is_empty_handed then return popped(SUSPECT, 1), true end
  local quarantine = P .. 'quarantine'
  call('SET', quarantine, m.worker, 'NX', 'EX', m.lease_ceil)
  if call('GET', quarantine) ~= m.worker then return popped(READY, m.want), false end
  call('EXPIRE', quarantine, m.lease_ceil)
  return {}, false
end

local function deliver_page(id)
  local page = page_out(id, call('HINCRBY', DELIVERIES, id, 1))
  if page then call('ZADD', LEASE, now + m.lease_seconds, id) end
  return page
end

local function deliver(ids)
  local pages = {}
  for _, id in ipairs(ids) do pages[#pages + 1] = guarded(id, deliver_page, id) end
  return pages
end

-- The answer to a call that was sent again: what it was given the first time and still holds.
local function given_before(given)
  local pages = {}
  for id, delivery in pairs(given) do
    if is_owner(id, delivery) and call('ZSCORE', LEASE, id) then
      pages[#pages + 1] = guarded(id, page_out, id, delivery)
    end
  end
  return pages
end

local function pages_out()
  local memory = P .. 'last:' .. m.worker
  local last = unpacked(call('GET', memory))
  if last and last.n == m.number then return given_before(last.given), last.alone end
  local ids, alone = next_ids()
  local pages = deliver(ids)
  local given = {}
  for _, page in ipairs(pages) do given[id_of(page.seed, page.page)] = page.delivery end
  call('SET', memory, cmsgpack.pack({ n = m.number, given = given, alone = alone }),
    'EX', 2 * m.lease_ceil)
  return pages, alone
end

local function line_out(seed)
  local key, record = P .. 'seed:' .. seed, record_of(seed)
  call('ZREM', ENDED, seed)
  local f = call('HMGET', key, 'payload', 'offers', 'calls')
  if not f[1] or not is_text(seed) or not record or not is_final(record) then
    return bury('line:' .. seed, 'an end without a seed')
  end
  call('ZADD', ENDED, now + m.lease_seconds, seed)
  call('HSET', key, 'line', m.worker)
  return {
    seed = seed, status = record.s, reason = record.y, expected = record.e,
    fetched = record.f, rows = record.r, seen = record.o, most = record.l, total = record.t,
    started = record.b, ended = record.x, payload = is_payload(f[1]) and f[1] or '', offers = whole(f[2]),
    calls = whole(f[3]),
  }
end

local function lines_out()
  local lines = {}
  local seeds = call('ZRANGEBYSCORE', ENDED, '-inf', now, 'LIMIT', 0, m.want_lines)
  for _, seed in ipairs(seeds) do lines[#lines + 1] = guarded('line:' .. seed, line_out, seed) end
  return lines
end

-- Only from the worker that was given the line last: the seed may have been searched anew since.
local function written(seed)
  local key = P .. 'seed:' .. seed
  if call('HGET', key, 'line') ~= m.worker then return end
  call('ZREM', ENDED, seed)
  local record = record_of(seed)
  if record and is_complete(record) then call('UNLINK', key) end
end
