-- One call of a worker: what it has finished goes in, what it shall do next comes out.
--
-- Everything here may be sent twice, so a lost answer is harmless. Pages that came are facts and
-- always count; giving up, giving back and burying are fenced by the delivery number, so that a
-- worker that slept past its lease cannot undo a newer owner. The time is Redis' own.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`, of which every key below is made
-- ARGV[1]  the message, MessagePack; its members stand in cluster/messages.py
-- ARGV[2]… raw lines of the intake that `admits` and `refusals` name by number
-- Returns  {the answer, MessagePack; then raw lines of the intake to be read}
--
-- Keys. `id` is "<seed id>/<page>". They live until `scrapy pailitao clear` unless told otherwise.
--   waiting        LIST    seeds not yet begun; see push.lua
--   seeds          HASH    seed id -> {s state, p picture's digest, and how it ended}
--   pictures       HASH    picture's digest -> seed id that is searched for it
--   wanted         HASH    sha256 -> seeds that may still need the bytes of `pic:<sha256>`
--   ready          ZSET    id -> place in the queue; further pages before first ones
--   lease          ZSET    id -> invisible until: in a worker's hands, or waiting for its retry
--   suspect        ZSET    id -> since when: pages whose worker vanished, handed out alone
--   deliveries     HASH    id -> times handed out; gone with the page
--   attempts       HASH    id -> failures so far; gone with the page
--   dead           HASH    id -> {why, n deliveries, at, w worker}, until replayed
--   ended          ZSET    seed id -> invisible until: final seeds whose ledger line is not written
--   counts         HASH    open, done, empty, partial, failed, repeated, hostile, seq, beat, grace,
--                          picture_bytes
--   workers        HASH    worker -> when it was here last, and what it says of itself, JSON; gone
--                          when it ends, or after ten leases of silence
--   intake         STRING  the worker that reads `waiting` now, for 3 s
--   quarantine     STRING  the worker that empties its hands for the suspects, for a lease
--   last:<worker>  STRING  its last call and what it was given, for two leases
--   seed:<id>      HASH    a seed under way; gone once its line is written, unless partial or failed
--   rows:<id>      HASH    offer -> lowest page it came on; gone when the seed ends
--   got:<id>       SET     offers written for the seed (PAILITAO_DEDUP=seed); gone when it ends
--   twins:<id>     LIST    seeds with the same picture that wait for its end
--   ids:<bucket>   SET     offers that are safe in a feed, as integers; ids:x those that are none
--   pic:<sha256>   STRING  see push.lua

local P = KEYS[1]
local m = cmsgpack.unpack(ARGV[1])
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local PAGE_LIMIT = 1000
local FIRST_PAGES = 1e13   -- in `ready`, after all further pages
local MOST_BYTES = 2 ^ 20  -- of the intake in one answer
local OUTAGE, GRACE = 5, 6 -- seconds: nobody called for so long; holders may come first for so long

local READY, LEASE, SUSPECT = P .. 'ready', P .. 'lease', P .. 'suspect'
local DELIVERIES, ATTEMPTS, DEAD = P .. 'deliveries', P .. 'attempts', P .. 'dead'
local WAITING, SEEDS, PICTURES = P .. 'waiting', P .. 'seeds', P .. 'pictures'
local ENDED, COUNTS = P .. 'ended', P .. 'counts'

local reclaimed, buried = 0, {}

local function count(name, by) return call('HINCRBY', COUNTS, name, by) end

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
  b = moment, x = moment }

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

local function queue(seed, page)
  local place = count('seq', 1) + (page == 1 and FIRST_PAGES or 0)
  call('ZADD', READY, place, id_of(seed, page))
end

local function unqueue(id)
  call('ZREM', READY, id)
  call('ZREM', LEASE, id)
  call('ZREM', SUSPECT, id)
  call('HDEL', DELIVERIES, id)
  call('HDEL', ATTEMPTS, id)
end

-- a seed's end

local finish -- of a seed; it may begin its twins

local function search(seed, digest)
  local key = P .. 'seed:' .. seed
  call('HSET', key, 'open', 1, 'planned', 1, 'fetched', 0, 'rows', 0, 'offers', 0, 'calls', 0)
  put_record(seed, { s = 'open', p = digest })
  queue(seed, 1)
end

local function drop_picture(seed)
  local sha = call('HGET', P .. 'seed:' .. seed, 'sha')
  if not sha or call('HINCRBY', P .. 'wanted', sha, -1) > 0 then return end
  call('HDEL', P .. 'wanted', sha)
  count('picture_bytes', -call('STRLEN', P .. 'pic:' .. sha))
  call('UNLINK', P .. 'pic:' .. sha)
end

local function is_complete(record) return record.s == 'done' or record.s == 'empty' end

local function end_as_twin(twin, digest, of, first)
  local reason = 'same_picture: searched once, for ' .. of
  if first.y then reason = reason .. '; ' .. first.y end
  local record = {}
  for name, value in pairs(first) do record[name] = value end
  record.p, record.y = digest, reason
  put_record(twin, record)
  count('open', -1)
  count(first.s, 1)
  call('HSET', P .. 'seed:' .. twin, 'offers', 0, 'calls', 0)
  call('ZADD', ENDED, 0, twin)
  if is_complete(first) then drop_picture(twin) end
end

local function begin_twin(twin, digest, of, first)
  if m.rows_for_each then
    search(twin, digest)
  else
    end_as_twin(twin, digest, of, first)
  end
end

local function first_given_up(key, last)
  local page, why
  local fields = call('HGETALL', key)
  for i = 1, #fields, 2 do
    local number = tonumber(string.match(fields[i], '^g(%d+)$'))
    if number and (not last or number <= last) and (not page or number < page) then
      page, why = number, fields[i + 1]
    end
  end
  return page, why
end

local function outcome(key, last, planned, fetched, rows)
  local page, why = first_given_up(key, last)
  if page then
    if fetched > 0 then return 'partial', string.format('page %d: %s', page, why) end
    return 'failed', why
  end
  if planned >= PAGE_LIMIT and not last then
    return 'partial', string.format('page_limit: not followed beyond page %d', PAGE_LIMIT)
  end
  return rows > 0 and 'done' or 'empty', nil
end

finish = function(seed, key)
  local f = call('HMGET', key, 'end', 'planned', 'fetched', 'rows', 'total', 'started')
  local last, planned = tonumber(f[1]), tonumber(f[2])
  local fetched, rows = tonumber(f[3]), tonumber(f[4])
  local status, reason = outcome(key, last, planned, fetched, rows)
  local old = record_of(seed) or {}
  local record = {
    s = status, y = reason, p = old.p, e = last and math.min(last, planned) or planned,
    f = fetched, r = rows, t = tonumber(f[5]), b = tonumber(f[6]), x = now,
  }
  put_record(seed, record)
  count('open', -1)
  count(status, 1)
  call('ZADD', ENDED, 0, seed)
  call('HDEL', key, 'line')
  call('UNLINK', P .. 'rows:' .. seed, P .. 'got:' .. seed)
  local twins_key = P .. 'twins:' .. seed
  local twins = call('LRANGE', twins_key, 0, -1)
  call('UNLINK', twins_key)
  if is_complete(record) then drop_picture(seed) end
  for _, twin in ipairs(twins) do begin_twin(twin, old.p, seed, record) end
end

local function close_pages(seed, key, by)
  if call('HINCRBY', key, 'open', by) <= 0 then finish(seed, key) end
end

-- pages that came

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

local function repeats(rows_key, page, ids)
  local repeated = #ids > 0
  for _, id in ipairs(ids) do
    local first = tonumber(call('HGET', rows_key, id))
    if not (first and first < page) then
      repeated = false
      call('HSET', rows_key, id, page)
    end
  end
  return repeated
end

local function hinted(s, page, rows, page_count)
  if not s.size or s.last then return s.planned end
  if s.total and s.total > s.size then
    local full = (s.planned_rows or 0) >= s.size
    if full and s.rows > s.total then return s.planned + 1 end
    return math.ceil(s.total / s.size)
  end
  if page_count and page_count > 1 then return page_count end
  if s.total and s.total == s.size then return 1 end
  local goes_on
  if page > 1 then goes_on = rows >= s.size
  else goes_on = not page_count or rows >= m.page_size end
  return (goes_on and page == s.planned) and page + 1 or s.planned
end

local function most_pages(size)
  local most = math.min(PAGE_LIMIT, m.max_pages or PAGE_LIMIT)
  if m.max_rows and size then most = math.min(most, math.ceil(m.max_rows / size)) end
  return math.max(most, 1)
end

local function drop_past_end(seed, last, planned)
  local dropped = 0
  for page = last + 1, planned do
    local id = id_of(seed, page)
    if call('ZREM', READY, id) + call('ZREM', SUSPECT, id) > 0 then
      unqueue(id)
      call('HSET', P .. 'seed:' .. seed, 'p' .. string.format('%d', page), -1)
      dropped = dropped + 1
    end
  end
  return dropped
end

-- The same rules as paging.py; tests/test_cluster_paging.py holds the two against each other.
local function came(a, key)
  local f = call('HMGET', key, 'size', 'total', 'end', 'planned')
  local s = {
    size = tonumber(f[1]), total = tonumber(f[2]), last = tonumber(f[3]), planned = tonumber(f[4]),
  }
  local old_planned, page, rows = s.planned, a.page, a.rows
  if page == 1 then s.size = math.max(rows, 1) end
  local most = math.max(s.total or 0, a.total or 0)
  s.total = most > 0 and most or a.total
  local rows_key = P .. 'rows:' .. a.seed
  if rows == 0 or (page > 1 and repeats(rows_key, page, a.ids)) then
    local last = page > 1 and page - 1 or 1
    s.last = s.last and math.min(s.last, last) or last
  end
  s.rows = call('HINCRBY', key, 'rows', rows)
  call('HINCRBY', key, 'fetched', 1)
  s.planned_rows = tonumber(call('HGET', key, 'p' .. string.format('%d', s.planned)) or nil)
  local wanted = math.min(hinted(s, page, rows, a.page_count), most_pages(s.size))
  s.planned = math.max(s.planned, wanted)
  if page == 1 and s.planned > 1 then repeats(rows_key, 1, a.ids) end
  for number = old_planned + 1, s.planned do queue(a.seed, number) end
  call('HSET', key, 'size', s.size or '', 'total', s.total or '', 'planned', s.planned)
  local dropped = 0
  if s.last then
    call('HSET', key, 'end', s.last)
    dropped = drop_past_end(a.seed, s.last, s.planned)
  end
  return s.planned - old_planned - dropped
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
    if string.find(why, kind) then return bury(id, 'spoiled: ' .. shown(string.sub(why, 1, 120))) end
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

-- seeds that come in

local function free_name(a)
  local record = record_of(a.seed)
  if not record or record.p == a.digest then return a.seed, record end
  local name, number = a.other, 1
  record = record_of(name)
  while record and record.p ~= a.digest do
    number = number + 1
    name = a.other .. '-' .. number
    record = record_of(name)
  end
  return name, record
end

local function is_near(raw) return call('LPOS', WAITING, raw, 'MAXLEN', 4096) end

-- True for the worker that takes the line out: what several have read is admitted once.
local function takes_out(raw) return is_near(raw) and call('LREM', WAITING, 1, raw) == 1 end

-- A seed that cannot be searched: no page of it is asked for.
local function fail(seed, digest, why)
  local key = P .. 'seed:' .. seed
  call('HSET', key, 'open', 0, 'planned', 0, 'fetched', 0, 'rows', 0, 'offers', 0, 'calls', 0,
    'started', string.format('%.6f', now), 'g0', why)
  put_record(seed, { s = 'open', p = digest })
  finish(seed, key)
end

local function refuse(raw, why, text)
  if not takes_out(raw) then return end
  count('hostile', 1)
  local name = 'intake:' .. redis.sha1hex(raw)
  call('HSET', DEAD, name, cmsgpack.pack({ why = why, n = 0, at = now, w = m.worker, raw = text }))
  buried[#buried + 1] = name
end

local function admit(a)
  local raw = ARGV[a.line + 2]
  local seed, record = free_name(a)
  if not record and call('HEXISTS', SEEDS, seed) == 1 then
    return refuse(raw, 'what is kept of ' .. seed .. ' cannot be read', shown(string.sub(raw, 1, 200)))
  end
  if not takes_out(raw) then return end
  if record and record.s ~= 'waiting' then
    count('repeated', 1)
    return
  end
  local key = P .. 'seed:' .. seed
  call('UNLINK', key)
  call('HSET', key, 'payload', a.payload)
  if a.sha then
    call('HSET', key, 'sha', a.sha)
    if not record then call('HINCRBY', P .. 'wanted', a.sha, 1) end -- else push has counted it
  end
  count('open', 1)
  if a.bad then return fail(seed, a.digest, a.bad) end
  local first = call('HGET', PICTURES, a.digest)
  local first_record = first and first ~= seed and record_of(first)
  if not first_record or first_record.p ~= a.digest then
    call('HSET', PICTURES, a.digest, seed)
    search(seed, a.digest)
  elseif is_final(first_record) then
    begin_twin(seed, a.digest, first, first_record)
  else
    put_record(seed, { s = 'open', p = a.digest })
    call('RPUSH', P .. 'twins:' .. first, seed)
  end
end

-- Only from the worker that was given the line last: the seed may have been searched anew since.
local function written(seed)
  local key = P .. 'seed:' .. seed
  if call('HGET', key, 'line') ~= m.worker then return end
  call('ZREM', ENDED, seed)
  local record = record_of(seed)
  if record and is_complete(record) then call('UNLINK', key) end
end

-- what comes out

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

local function page_out(id, delivery)
  local seed, page = parts_of(id)
  local f = seed and call('HMGET', P .. 'seed:' .. seed, 'payload', 'size', 'end')
  if not f or not f[1] then return bury(id, 'no such seed') end
  if #f[1] > 4 * m.most_line_bytes or not is_text(f[1]) or not is_text(id) then
    return bury(id, string.format('its seed is no text, or too long: %d bytes', #f[1]))
  end
  call('HSETNX', P .. 'seed:' .. seed, 'started', string.format('%.6f', now))
  return {
    seed = seed, page = page, delivery = delivery, payload = f[1], size = whole(f[2]),
    last = whole(f[3]), failures = whole(call('HGET', ATTEMPTS, id)) or 0,
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
    fetched = record.f, rows = record.r, total = record.t, started = record.b,
    ended = record.x, payload = shown(f[1]), offers = whole(f[2]), calls = whole(f[3]),
  }
end

local function lines_out()
  local lines = {}
  local seeds = call('ZRANGEBYSCORE', ENDED, '-inf', now, 'LIMIT', 0, m.want_lines)
  for _, seed in ipairs(seeds) do lines[#lines + 1] = guarded('line:' .. seed, line_out, seed) end
  return lines
end

local function intake()
  local key = P .. 'intake'
  local reader = call('GET', key)
  if reader and reader ~= m.worker then return {} end
  if m.want_seeds < 1 or call('ZCARD', READY) >= m.want_seeds then
    if reader then call('DEL', key) end
    return {}
  end
  local lines, bytes = {}, 0
  while #lines < m.want_seeds and bytes < MOST_BYTES do
    local line = call('LINDEX', WAITING, #lines)
    if not line then break end
    bytes = bytes + #line
    if #line > m.most_line_bytes then
      refuse(line, string.format('a line of %d bytes', #line), shown(string.sub(line, 1, 200)))
    else
      lines[#lines + 1] = line
    end
  end
  if #lines > 0 then call('SET', key, m.worker, 'PX', 3000)
  elseif reader then call('DEL', key) end
  return lines
end

local function forget_silent_workers()
  local all = call('HGETALL', P .. 'workers')
  for i = 1, #all, 2 do
    local at = tonumber(string.match(all[i + 1], '^[%d.]+'))
    if not at or math.abs(now - at) > 10 * m.lease_seconds then
      call('HDEL', P .. 'workers', all[i])
    end
  end
end

-- Also after its lease, as long as nobody else was given the page.
local function renew(h)
  local is_his = is_owner(h.id, h.delivery)
    and (call('ZSCORE', LEASE, h.id) or call('ZREM', SUSPECT, h.id) == 1)
  if is_his then call('ZADD', LEASE, now + m.lease_seconds, h.id) end
  return is_his
end

local lost = {}
for _, h in ipairs(m.holds) do
  if not renew(h) then lost[#lost + 1] = h.id end
end
for _, a in ipairs(m.acks) do guarded(id_of(a.seed, a.page), ack, a) end
for _, b in ipairs(m.given_back) do give_back(b) end
for _, b in ipairs(m.burials) do
  if is_owner(b.id, b.delivery) then bury(b.id, b.why) end
end
for _, seed in ipairs(m.written) do written(seed) end
for _, a in ipairs(m.admits) do guarded('intake:' .. a.seed, admit, a) end
for _, r in ipairs(m.refusals) do refuse(ARGV[r.line + 2], r.why, r.shown) end
reclaim()
local pages, alone = pages_out()
local is_quarantine_over = m.says == '' or call('ZCARD', SUSPECT) == 0
if is_quarantine_over and call('GET', P .. 'quarantine') == m.worker then
  call('DEL', P .. 'quarantine')
end
local lines = lines_out()
local fresh = intake()
if m.says == '' then
  call('HDEL', P .. 'workers', m.worker)
else
  call('HSET', P .. 'workers', m.worker, string.format('%.3f ', now) .. m.says)
end
if m.number % 64 == 1 then forget_silent_workers() end
local answer = {
  pages = pages, alone = alone, lines = lines, lost = lost, reclaimed = reclaimed, buried = buried,
  waiting = call('LLEN', WAITING), ready = call('ZCARD', READY), leased = call('ZCARD', LEASE),
  suspects = call('ZCARD', SUSPECT), unwritten = call('ZCARD', ENDED),
  workers = call('HLEN', P .. 'workers'), now = now,
}
local reply = { cmsgpack.pack(answer) }
for i, line in ipairs(fresh) do reply[i + 1] = line end
return reply
