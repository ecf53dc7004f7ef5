-- The gate of one app key: reports of answers in, tickets to call out. Twin of keys/adaptive_rate.py.
--
-- KEYS[1]  {pailitao-app:<hash>}:gate, a hash: the plan (next_number, next_at, blocked_until), the
--          pace with the names of keys/adaptive_rate.py, `given` (the rate of the settings, 0 = to be
--          found), `era` (when it was made) and `seen_at` (its last change). Lives for an hour after
--          its last ticket may be used.
-- ARGV[1]  the constants of keys/adaptive_rate.py, as a MessagePack map
-- ARGV[2]  what a worker asks, MessagePack: `Ask` of plan.py
-- Returns  the plan, MessagePack: `Plan` of plan.py
--
-- All moments are this server's, in unix seconds. A ticket is a number, not a moment: it opens at
-- next_at - (next_number - ticket) / per_second. So when the pace changes or the key is held back,
-- the tickets that are out move with the plan and nobody loses a turn.
-- A lost answer costs the tickets in it. Reports told twice do no harm: a second refusal is of an
-- old generation, and no figure is above the pace.

local LIFE_SECONDS = 3600
local LONGEST_WAIT_SECONDS = 86400 -- nothing a gateway says lasts longer than its day

local C = cmsgpack.unpack(ARGV[1])
local ask = cmsgpack.unpack(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local s = {}

-- the pace

local function set(per_second)
  s.per_second = math.min(math.max(per_second, s.floor, C.LEAST_PER_SECOND), s.ceiling)
end

local function settle(per_second)
  s.phase = 'steady'
  s.quiet_calls, s.creep = 0, 0
  set(per_second)
end

local function begin(rate)
  s.given = rate or 0
  s.ceiling = rate or C.MOST_PER_SECOND
  s.phase = rate and 'steady' or 'seek'
  s.per_second = rate or C.START_PER_SECOND
  s.generation = 0
  s.empty_since, s.let_through, s.may_climb = 0, 0, 0
  s.quiet_calls, s.hold_calls = 0, C.HOLD_CALLS
  s.crept_at, s.creep, s.before_creep = 0, 0, s.per_second
  s.floor, s.highest_floor = 0, 0
end

local function empty_from(issued_at)
  s.empty_since, s.let_through = issued_at, 0
end

local function count(issued_at)
  if issued_at > s.empty_since then
    s.let_through = s.let_through + 1
  end
  if s.may_climb == 1 and s.let_through % C.CLIMB_CALLS == C.CLIMB_CALLS - 1 then
    set(s.per_second * C.CLIMB)
  elseif s.may_climb == 0 and s.let_through >= C.MOST_CALLS then
    settle(s.per_second)
  end
end

local function creep_up(at)
  s.quiet_calls = s.quiet_calls + 1
  local is_early = s.quiet_calls < s.hold_calls
  if s.creep ~= 0 then
    is_early = at - s.crept_at < C.CREEP_SECONDS
  end
  if is_early then
    return
  end
  s.crept_at, s.before_creep = at, s.per_second
  s.creep = s.creep == 0 and C.FIRST_CREEP or math.min(s.creep * 2, C.MOST_CREEP)
  set(s.per_second * (1 + s.creep))
end

local function good(at, issued_at, limited)
  s.floor = math.min(s.floor * C.FLOOR_UP, s.highest_floor)
  if not limited then
    if s.phase == 'measure' then
      settle(s.per_second)
    end
  elseif s.phase == 'seek' then
    set(s.per_second + C.DOUBLING_STEP)
  elseif s.phase == 'measure' then
    count(issued_at)
  else
    creep_up(at)
  end
end

local function begin_to_measure(issued_at)
  s.may_climb = s.phase == 'seek' and 1 or 0
  if s.phase == 'seek' then
    set(s.per_second * C.SEEK_BACK)
  else
    s.hold_calls = math.min(s.hold_calls * 2, C.MOST_HOLD_CALLS)
    set(s.creep ~= 0 and s.before_creep or s.per_second * C.STEADY_BACK)
  end
  s.phase = 'measure'
  empty_from(issued_at)
end

local function measured(issued_at)
  local number = s.let_through
  if s.may_climb == 1 and number >= C.CLIMB_CALLS then
    s.may_climb = 0
    set(s.per_second / C.CLIMB)
    empty_from(issued_at)
  elseif number < C.FEW_CALLS then
    set(s.per_second * C.MEASURE_BACK)
  elseif issued_at > s.empty_since then -- else a clock was set meanwhile
    local figure = number / (issued_at - s.empty_since)
    if number < C.ENOUGH_CALLS then
      set(math.min(s.per_second, figure * (1 + 1 / number)))
    else
      settle(math.min(s.per_second, figure) * C.MARGIN)
    end
  end
end

local function throttled(issued_at, generation, wait)
  if generation ~= s.generation then
    return
  end
  s.generation = s.generation + 1
  if s.generation == 1 then
    s.highest_floor = s.per_second * C.FLOOR
    s.floor = s.highest_floor
  elseif s.per_second <= s.floor then
    s.floor = s.floor * C.FLOOR_DOWN
  end
  if s.phase == 'measure' then
    measured(issued_at)
  else
    begin_to_measure(issued_at)
  end
  if wait > C.LONG_PAUSE_CALLS / s.per_second then
    settle(s.per_second)
  end
end

-- the plan

local function load()
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    s[fields[i]] = tonumber(fields[i + 1]) or fields[i + 1]
  end
  if s.era then
    return false
  end
  s.era, s.seen_at, s.next_number, s.next_at, s.blocked_until = now, now, 0, 0, 0
  begin(ask.rate)
  return true
end

local function save()
  local fields = {}
  for name, value in pairs(s) do
    fields[#fields + 1] = name
    fields[#fields + 1] = type(value) == 'number' and string.format('%.17g', value) or value
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('EXPIRE', KEYS[1], math.ceil(LIFE_SECONDS + math.max(0, s.next_at - now)))
end

-- The server's clock was set back, or another server with an earlier one has taken over.
local function follow_clock()
  local back = s.seen_at - now
  if back > 0 then
    for _, name in ipairs({ 'next_at', 'blocked_until', 'empty_since', 'crept_at' }) do
      s[name] = s[name] - back
    end
  end
  s.seen_at = now
end

local function hold_back(blocked_until)
  local from = math.max(now, s.blocked_until)
  if blocked_until > from then
    s.next_at = math.max(s.next_at, from) + blocked_until - from
  end
  s.blocked_until = math.max(s.blocked_until, blocked_until)
end

local function tell(is_good, at, issued_at, limited, generation, wait)
  if is_good then
    good(at, issued_at, limited)
  else
    throttled(issued_at, generation, wait)
    hold_back(at + math.min(wait, LONGEST_WAIT_SECONDS))
  end
end

-- What lies ahead goes on at the new pace.
local function stretch(before)
  local from = math.max(now, s.blocked_until)
  if s.next_at > from then
    s.next_at = from + (s.next_at - from) * before / s.per_second
  end
end

local function slack()
  local burst = s.generation > 0 and 1 or ask.burst -- one that drew a refusal was too large
  return (burst - 1) / s.per_second
end

local is_changed = load()
local before = s.per_second
if ask.opens and s.given ~= (ask.rate or 0) then -- the settings of who comes last hold for all
  begin(ask.rate)
  is_changed = true
end
if #ask.reports > 0 or ask.wanted > 0 then
  follow_clock()
  is_changed = true
end
for _, report in ipairs(ask.reports) do
  tell(unpack(report))
end
stretch(before)

local first, follows = s.next_number, false
if ask.wanted > 0 then
  local earliest = now - ask.back_seconds
  follows = s.next_at - slack() >= earliest
  s.next_at = math.max(s.next_at, earliest) + ask.wanted / s.per_second
  s.next_number = s.next_number + ask.wanted
end
if is_changed then
  save()
end

return cmsgpack.pack({
  now, s.era, first, ask.wanted, follows, s.next_number, s.next_at, s.per_second, slack(),
  s.blocked_until, s.generation, s.phase ~= 'steady',
})
