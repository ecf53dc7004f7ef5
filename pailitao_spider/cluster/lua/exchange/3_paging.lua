-- Which pages of a search are worth a call: the same decisions as paging.py, under the same names;
-- tests/test_cluster_paging.py holds the two against each other.
--
-- Of a page n, the seed's hash holds: p<n> the most rows that came, or -1 when it was given up;
-- where it differs from what follows from that: k<n> times asked, c<n> answers, l<n> the rows of the
-- last one, o<n> offers that no lower page brought, u<n> rows without an id, x<n> its cursor.

local AHEAD, MOST_ASKS = 3, 3

-- A seed's hash, read once; what is put is written through.
local function search_of(seed)
  local s = { seed = seed, key = P .. 'seed:' .. seed, rows_key = P .. 'rows:' .. seed, f = {} }
  local flat = call('HGETALL', s.key)
  for i = 1, #flat, 2 do s.f[flat[i]] = flat[i + 1] end
  return s
end

local function get(s, name) return tonumber(s.f[name]) end

local function put(s, name, value)
  s.f[name] = string.format('%d', value)
  call('HSET', s.key, name, s.f[name])
end

local function forget(s, name)
  if s.f[name] then call('HDEL', s.key, name) end
  s.f[name] = nil
end

local function of(letter, page) return letter .. string.format('%d', page) end

-- pages

local function rows_on(s, page) return math.max(get(s, of('p', page)) or 0, 0) end
local function came(s, page) return (get(s, of('p', page)) or -1) >= 0 end
local function last_rows(s, page) return get(s, of('l', page)) or rows_on(s, page) end
local function unnamed(s, page) return get(s, of('u', page)) or 0 end

local function asks(s, page)
  return get(s, of('k', page)) or (page <= get(s, 'planned') and 1 or 0)
end

local function answers(s, page) return get(s, of('c', page)) or (s.f[of('p', page)] and 1 or 0) end

local function fresh(s, page)
  return get(s, of('o', page)) or (rows_on(s, page) > 0 and 1 or 0)
end

local function is_new(s, page) return fresh(s, page) > 0 or unnamed(s, page) > 0 end
local function is_blank(s, page) return came(s, page) and not is_new(s, page) end
local function is_open(s, page) return asks(s, page) > answers(s, page) end

-- What a run begun by an earlier version does not hold.
local function complete(s)
  if s.f.base then return end
  local base = 0
  for page = 1, get(s, 'planned') do
    if is_new(s, page) then base = page end
  end
  put(s, 'base', base)
  local seen = call('HLEN', s.rows_key)
  put(s, 'seen', seen > 0 and seen or rows_on(s, 1))
end

-- hints

local function full(s)
  local largest = get(s, 'largest') or 0
  if (get(s, 'further') or 0) > 1 then return largest end
  return math.max(largest, get(s, 'size') or 1)
end

local function is_total_void(s)
  return s.f.total and get(s, 'seen') + (get(s, 'unnamed') or 0) > get(s, 'total')
end

local function has_total(s) return (get(s, 'total') or 0) > 0 end

local function is_count_void(s, counted)
  local total, size = get(s, 'total') or 0, full(s)
  local is_of_asked = size < m.page_size and counted == math.ceil(total / m.page_size)
  return counted < get(s, 'base') or (is_of_asked and counted * size < total)
end

local function page_hint(s)
  local counted = get(s, 'count')
  if counted and (counted < 2 or is_count_void(s, counted)) then counted = nil end
  local last = get(s, 'none_after')
  if not last then return counted end
  local is_told_otherwise = counted or (has_total(s) and not is_total_void(s))
  if is_told_otherwise and not s.f.next_after then return counted end
  return counted and math.min(last, counted) or last
end

local function least(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

local function hinted_pages(s)
  local told
  if has_total(s) and not is_total_void(s) then
    told = math.ceil(get(s, 'total') / full(s))
  elseif get(s, 'count') == 1 and get(s, 'base') < 2 and (get(s, 'size') or 0) < m.page_size then
    told = 1
  end
  return least(page_hint(s), told)
end

local function rows_of(s, last)
  local sum, pages = 0, 0
  for page = 1, math.min(last, get(s, 'planned')) do
    local rows = rows_on(s, page)
    if rows > 0 then sum, pages = sum + rows, pages + 1 end
  end
  return sum + (last - pages) * full(s)
end

local function can_return(s)
  local last, told = page_hint(s), nil
  if last then told = rows_of(s, last) end
  if has_total(s) then
    told = least(told, is_total_void(s) and get(s, 'seen') or get(s, 'total'))
  end
  if told and m.max_pages then told = math.min(told, rows_of(s, m.max_pages)) end
  if told and m.max_rows then told = math.min(told, m.max_rows) end
  return told
end

local function most_pages(s)
  local most = math.min(PAGE_LIMIT, m.max_pages or PAGE_LIMIT)
  if m.max_rows and s.f.size then most = math.min(most, math.ceil(m.max_rows / get(s, 'size'))) end
  return math.max(most, 1)
end

local function last_wanted(s)
  local most = math.min(most_pages(s), hinted_pages(s) or PAGE_LIMIT)
  if s.f.cursors then most = math.min(most, get(s, 'cursors')) end
  if is_blank(s, get(s, 'base') + 1) then most = math.min(most, get(s, 'base') + 2) end
  return most
end

local function expected(s)
  local last, planned = get(s, 'end'), get(s, 'planned')
  if last then return math.min(last, planned) end
  local hinted = hinted_pages(s)
  return hinted and math.max(planned, math.min(hinted, most_pages(s))) or planned
end

-- Pages repeated each other's rows, and offers are missing.
local function is_short(s)
  local most, seen = can_return(s), get(s, 'seen')
  local repeats = get(s, 'rows') > seen + (get(s, 'unnamed') or 0)
  return repeats and (not most or seen < most)
end

local function is_wanted(s, page)
  if s.f.sweep then return is_short(s) end
  if page <= get(s, 'base') then return true end
  return not s.f['end'] and page <= last_wanted(s)
end

-- what comes

local function take_hints(s, a)
  if a.total then put(s, 'total', math.max(get(s, 'total') or 0, a.total)) end
  if a.page_count then put(s, 'count', math.max(get(s, 'count') or 0, a.page_count)) end
  local has_next = a.has_next
  if a.next_cursor then
    call('HSET', s.key, of('x', a.page + 1), a.next_cursor)
    put(s, 'cursors', math.max(get(s, 'cursors') or 0, a.page + 1))
    has_next = true
  elseif s.f.cursors and has_next == nil then
    has_next = false
  end
  if has_next == true then
    put(s, 'next_after', math.max(get(s, 'next_after') or 0, a.page))
  elseif has_next == false then
    put(s, 'none_after', math.min(get(s, 'none_after') or a.page, a.page))
  end
end

local function own(s, page, ids)
  local new, mine, others = 0, 0, {}
  for _, id in ipairs(ids) do
    local lowest = tonumber(call('HGET', s.rows_key, id))
    if not lowest or lowest > page then
      call('HSET', s.rows_key, id, page)
      mine = mine + 1
      if lowest then others[lowest] = (others[lowest] or 0) + 1 else new = new + 1 end
    end
  end
  put(s, 'seen', get(s, 'seen') + new)
  return mine, others
end

-- Most searches have one page: its ids are kept only where another may repeat them.
local function count_first(s, ids)
  local seen, number = {}, 0
  for _, id in ipairs(ids) do
    if not seen[id] then seen[id], number = true, number + 1 end
  end
  put(s, 'seen', number)
end

local function move_base(s, page)
  local base = get(s, 'base')
  if is_new(s, page) then base = math.max(base, page) end
  while base > 0 and not is_new(s, base) do base = base - 1 end
  put(s, 'base', base)
  if s.f['end'] and base > get(s, 'end') then forget(s, 'end') end
  if s.f.none_after and base > get(s, 'none_after') then forget(s, 'none_after') end
end

local function count_answer(s, page)
  if not is_open(s, page) then return end
  local number = answers(s, page) + 1
  if number > 1 or s.f[of('k', page)] then put(s, of('c', page), number) end
end

-- what to ask

local function holes(s, found)
  for page = 2, get(s, 'base') - 1 do
    if is_blank(s, page) and not is_open(s, page) and answers(s, page) < MOST_ASKS then
      found[#found + 1] = page
    end
  end
end

local function is_second_a_repetition(s)
  return is_blank(s, 2) and last_rows(s, 2) > 0 and (get(s, 'size') or -1) >= m.page_size
end

local function told_more(s, page)
  local hinted = hinted_pages(s)
  if hinted then return page <= hinted end
  if (get(s, 'next_after') or 0) >= page - 1 then return true end
  return page == 2 and is_second_a_repetition(s)
end

local function at_the_end(s, found)
  local page = get(s, 'base') + 1
  if not is_blank(s, page) or is_open(s, page) or s.f[of('g', page)] then return end
  if page > 1 and told_more(s, page) then
    if answers(s, page) < 2 then
      found[#found + 1] = page
      return
    end
    if not is_blank(s, page + 1) and page + 1 <= last_wanted(s) then return end
  end
  put(s, 'end', math.max(get(s, 'base'), 1))
end

local function next_by_rows(s)
  local base = get(s, 'base')
  if base == 0 then return 0 end
  if base == 1 and is_second_a_repetition(s) then return 3 end
  local goes_on
  if base == 1 then goes_on = (get(s, 'count') or 0) == 0 or rows_on(s, 1) >= m.page_size
  else goes_on = rows_on(s, base) >= (get(s, 'size') or 1) end
  return (goes_on or (get(s, 'next_after') or 0) >= base) and base + 1 or base
end

local function ahead(s, found)
  local last = hinted_pages(s) and get(s, 'base') + AHEAD or next_by_rows(s)
  for page = get(s, 'base') + 1, math.min(last, last_wanted(s)) do
    if asks(s, page) < 1 then found[#found + 1] = page end
  end
end

local function next_of_sweep(s, open, found)
  local next_page = get(s, 'sweep')
  local last = is_short(s) and math.min(next_page + AHEAD - open - 1, get(s, 'base')) or 0
  for page = next_page, last do
    if not is_open(s, page) then found[#found + 1] = page end
  end
  put(s, 'sweep', math.max(next_page, last + 1))
  if #found == 0 and open == 0 then forget(s, 'sweep') end
end

-- Every further page showed the first one again.
local function ignores_pages(s)
  local is_repeated = is_blank(s, 2) and last_rows(s, 2) > 0 and answers(s, 2) > 1
  return get(s, 'end') == 1 and is_repeated and not (came(s, 3) and last_rows(s, 3) == 0)
end

local function ask(s, open)
  local found = {}
  if s.f.sweep then
    next_of_sweep(s, open, found)
  else
    holes(s, found)
    at_the_end(s, found)
    if not s.f['end'] then ahead(s, found) end
  end
  for _, page in ipairs(found) do
    local number = asks(s, page) + 1
    if number > 1 or page < get(s, 'planned') or s.f[of('k', page)] then
      put(s, of('c', page), answers(s, page))
      put(s, of('k', page), number)
    end
    if page > get(s, 'planned') then put(s, 'planned', page) end
    queue(s.seed, page, true)
  end
  if #found > 0 then return #found end
  local passes = get(s, 'passes') or m.passes
  if passes < 2 or open > 0 or ignores_pages(s) or not is_short(s) then return 0 end
  put(s, 'passes', passes - 1)
  put(s, 'sweep', 1)
  return ask(s, 0)
end

local function dropped(s, page)
  put(s, of('c', page), answers(s, page))
  put(s, of('k', page), asks(s, page) - 1)
  while get(s, 'planned') > 1 and asks(s, get(s, 'planned')) < 1 do
    forget(s, of('k', get(s, 'planned')))
    forget(s, of('c', get(s, 'planned')))
    put(s, 'planned', get(s, 'planned') - 1)
  end
end

-- Pages that nobody has in hand and nobody wants any more leave the queue.
local function drop_unwanted(s, open)
  local unwanted = {}
  for page = 1, get(s, 'planned') do
    if is_open(s, page) and not is_wanted(s, page) then unwanted[#unwanted + 1] = page end
  end
  for _, page in ipairs(unwanted) do
    local id = id_of(s.seed, page)
    if call('ZREM', READY, id) + call('ZREM', SUSPECT, id) > 0 then
      unqueue(id)
      dropped(s, page)
      open = open - 1
      open = open + ask(s, open)
    end
  end
  return open
end

-- Each returns how many pages of the search are open then.

local function page_came(s, a, open)
  local page, rows = a.page, a.rows
  count_answer(s, page)
  if page == 1 and not s.f.size then
    put(s, 'size', math.max(rows, 1))
  elseif page > 1 and rows > 0 then
    put(s, 'largest', math.max(get(s, 'largest') or 0, rows))
    if rows_on(s, page) == 0 then put(s, 'further', (get(s, 'further') or 0) + 1) end
  end
  if page == 1 and a.gateway and not s.f.gateway then
    call('HSET', s.key, 'gateway', a.gateway)
  end
  local is_first = not came(s, page)
  if answers(s, page) > 1 then put(s, of('l', page), rows) end
  local idless = rows - #a.ids
  if idless > unnamed(s, page) then
    put(s, 'unnamed', (get(s, 'unnamed') or 0) + idless - unnamed(s, page))
    put(s, of('u', page), idless)
  end
  local before = is_first and 0 or fresh(s, page)
  put(s, of('p', page), math.max(rows_on(s, page), rows))
  put(s, 'rows', (get(s, 'rows') or 0) + rows)
  if is_first then put(s, 'fetched', (get(s, 'fetched') or 0) + 1) end
  take_hints(s, a)
  local is_alone = page == 1 and get(s, 'planned') == 1 and is_first and m.passes < 2
  if is_alone then
    count_first(s, a.ids)
    if #a.ids == 0 then put(s, 'o1', 0) end
  else
    local mine, others = own(s, page, a.ids)
    for lowest, number in pairs(others) do put(s, of('o', lowest), fresh(s, lowest) - number) end
    put(s, of('o', page), before + mine)
  end
  move_base(s, page)
  open = open + ask(s, open)
  if is_alone and get(s, 'planned') > 1 then
    put(s, 'seen', 0)
    local mine = own(s, 1, a.ids)
    put(s, 'o1', mine)
  end
  return drop_unwanted(s, open)
end

local function page_failed(s, page, open)
  count_answer(s, page)
  if not s.f[of('p', page)] then put(s, of('p', page), -1) end
  return drop_unwanted(s, open + ask(s, open))
end
