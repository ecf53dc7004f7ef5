-- The newest tokens of an app key that grew from one configured pair, and who renews them.
--
-- KEYS[1]  hash: version, record                  the newest tokens, sealed; none is version 0
--                owner, until                     who renews, and until when it counts as alive, in ms
--                refused, reason, refused_until   the version that the gateway will not renew, and why
-- ARGV     operation, owner, life in ms, version, text
-- Answers  version, record, why this version was refused or '', 1 if the caller renews
--
-- Every operation may run twice: a lost answer does no harm.

local key = KEYS[1]
local operation, owner, life = ARGV[1], ARGV[2] or '', tonumber(ARGV[3]) or 0
local given, text = tonumber(ARGV[4]) or 0, ARGV[5] or ''
local KEPT_SECONDS = 400 * 86400
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(name)
  return tonumber(redis.call('HGET', key, name)) or 0
end

local function version()
  return number('version')
end

local function reason()
  if number('refused') ~= version() or number('refused_until') <= now then return '' end
  return redis.call('HGET', key, 'reason') or ''
end

local function is_ours()
  return owner ~= '' and redis.call('HGET', key, 'owner') == owner
end

-- More than a life ahead: the clock was set back, and would hold the lock for as long.
local function is_held()
  local left = number('until') - now
  return left > 0 and left <= life
end

local operations = {}

function operations.look() end

function operations.take()
  local is_due = version() == given and reason() == ''
  if is_due and (is_ours() or not is_held()) then
    redis.call('HSET', key, 'owner', owner, 'until', now + life)
  end
end

function operations.hold()
  if is_ours() then redis.call('HSET', key, 'until', now + life) end
end

function operations.free()
  if is_ours() then redis.call('HDEL', key, 'owner', 'until') end
end

-- Tokens of a version that Redis has not seen count, whoever brings them: they may be the only ones
-- alive. Of two who renewed the same version the one that holds the lock asked last.
function operations.keep()
  if version() < given or is_ours() then
    redis.call('HSET', key, 'version', math.max(given, version() + 1), 'record', text)
  end
  operations.free()
end

function operations.refuse()
  if version() == given and is_ours() then
    redis.call('HSET', key, 'refused', given, 'reason', text, 'refused_until', now + life)
  end
  operations.free()
end

operations[operation]()
if operation ~= 'look' then redis.call('EXPIRE', key, KEPT_SECONDS) end
return {version(), redis.call('HGET', key, 'record') or '', reason(), is_ours() and 1 or 0}
