-- Seeds that come in.

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
local function fail(seed, a)
  local key = P .. 'seed:' .. seed
  call('HSET', key, 'open', 0, 'planned', a.pages, 'fetched', 0, 'rows', 0, 'offers', 0,
    'calls', 0, 'started', string.format('%.6f', now), 'g0', a.bad)
  put_record(seed, { s = 'open', p = a.digest })
  finish(seed, key)
end

local function refuse(raw, why, text)
  if not takes_out(raw) then return end
  count('hostile', 1)
  local name = 'intake:' .. redis.sha1hex(raw)
  call('HSET', DEAD, name, cmsgpack.pack({ why = why, n = 0, at = now, w = m.worker, raw = text }))
  buried[#buried + 1] = name
end

local function beginning(raw) return shown(string.sub(raw, 1, 200)) end

local function admit(a)
  local raw = ARGV[a.line + 2]
  local seed, record = free_name(a)
  if not record and call('HEXISTS', SEEDS, seed) == 1 then
    return refuse(raw, 'what is kept of ' .. seed .. ' cannot be read', beginning(raw))
  end
  if not takes_out(raw) then return end
  if record and record.s ~= 'waiting' then
    count('repeated', 1)
    return
  end
  local key = P .. 'seed:' .. seed
  call('UNLINK', key, P .. 'rows:' .. seed)
  call('HSET', key, 'payload', a.payload)
  if a.sha then
    call('HSET', key, 'sha', a.sha)
    if not record then call('HINCRBY', P .. 'wanted', a.sha, 1) end -- else push has counted it
  end
  count('open', 1)
  if a.bad then return fail(seed, a) end
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
      refuse(line, string.format('a line of %d bytes', #line), beginning(line))
    else
      lines[#lines + 1] = line
    end
  end
  if #lines > 0 then call('SET', key, m.worker, 'PX', 3000)
  elseif reader then call('DEL', key) end
  return lines
end
