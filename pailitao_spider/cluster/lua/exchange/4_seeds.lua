-- How a seed's search begins and ends.

local finish -- of a seed; it may begin its twins

local function search(seed, digest)
  local key = P .. 'seed:' .. seed
  call('HSET', key, 'open', 1, 'planned', 1, 'fetched', 0, 'rows', 0, 'offers', 0, 'calls', 0,
    'base', 0, 'seen', 0)
  put_record(seed, { s = 'open', p = digest })
  queue(seed, 1)
end

local function drop_picture(seed)
  local sha = call('HGET', P .. 'seed:' .. seed, 'sha')
  if not sha or call('HINCRBY', P .. 'wanted', sha, -1) > 0 then return end
  call('HDEL', P .. 'wanted', sha)
  count('picture_bytes', 0 - call('STRLEN', P .. 'pic:' .. sha))
  call('UNLINK', P .. 'pic:' .. sha)
end

local function is_complete(record) return record.s == 'done' or record.s == 'empty' end

-- Seeds of which the gateway says that it has more than it showed.
local function count_short(record)
  if not record.l or record.l <= record.o then return end
  count('short', 1)
  count('short_seen', record.o)
  count('short_of', record.l)
end

local function end_as_twin(twin, digest, of, first)
  local reason = 'same_picture: searched once, for ' .. of
  if first.y then reason = reason .. '; ' .. first.y end
  local record = {}
  for name, value in pairs(first) do record[name] = value end
  record.p, record.y = digest, reason
  put_record(twin, record)
  count('open', -1)
  count(first.s, 1)
  count_short(record)
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

local function first_given_up(s)
  local last, page, why = get(s, 'end'), nil, nil
  for name, value in pairs(s.f) do
    local number = tonumber(string.match(name, '^g(%d+)$'))
    if number and (not last or number <= last) and (not page or number < page) then
      page, why = number, value
    end
  end
  return page, why
end

local function first_hole(s)
  for page = 2, get(s, 'base') - 1 do
    if is_blank(s, page) then
      local what = last_rows(s, page) > 0 and 'only offers of other pages' or 'no rows'
      return page, string.format('%s, asked %d times', what, answers(s, page))
    end
  end
end

local function outcome(s)
  local page, why = first_given_up(s)
  local hole, what = first_hole(s)
  if hole and (not page or hole < page) then page, why = hole, what end
  if page then
    if get(s, 'fetched') > 0 then return 'partial', string.format('page %d: %s', page, why) end
    return 'failed', why
  end
  if ignores_pages(s) then
    return 'partial', 'repeats: every further page shows the first one again'
  end
  if get(s, 'planned') >= PAGE_LIMIT and not s.f['end'] then
    return 'partial', string.format('page_limit: not followed beyond page %d', PAGE_LIMIT)
  end
  return get(s, 'rows') > 0 and 'done' or 'empty', nil
end

local function useful(s)
  local number = 0
  for page = 1, math.min(expected(s), get(s, 'planned')) do
    if came(s, page) then number = number + 1 end
  end
  return number
end

finish = function(seed, key)
  local s = search_of(seed)
  complete(s)
  local status, reason = outcome(s)
  local old = record_of(seed) or {}
  local record = {
    s = status, y = reason, p = old.p, e = expected(s), f = useful(s), r = get(s, 'rows'),
    o = get(s, 'seen'), l = can_return(s), t = get(s, 'total'), b = get(s, 'started'), x = now,
  }
  put_record(seed, record)
  count('open', -1)
  count(status, 1)
  count_short(record)
  call('ZADD', ENDED, 0, seed)
  call('HDEL', key, 'line')
  call('UNLINK', P .. 'got:' .. seed)
  if is_complete(record) then call('UNLINK', P .. 'rows:' .. seed) end
  local twins_key = P .. 'twins:' .. seed
  local twins = call('LRANGE', twins_key, 0, -1)
  call('UNLINK', twins_key)
  if is_complete(record) then drop_picture(seed) end
  for _, twin in ipairs(twins) do begin_twin(twin, old.p, seed, record) end
end

local function close_pages(seed, key, by)
  if call('HINCRBY', key, 'open', by) <= 0 then finish(seed, key) end
end
