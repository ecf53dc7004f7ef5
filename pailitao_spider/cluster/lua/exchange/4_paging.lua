-- How many pages a search has.

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
  if page == 1 then
    s.size = math.max(rows, 1)
    if a.gateway then call('HSET', key, 'gateway', a.gateway) end
  end
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
