-- Takes seeds into the intake of a run. Run by `scrapy pailitao push`; the only script a producer
-- needs. Each seed is new, known (same id, same picture), or its id is another picture's, unless
-- that one failed: mending a picture takes its name over.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`, of which every key below is made
-- ARGV[1]  "1": seeds that ended partial or failed are taken in again
-- ARGV[2]… five for each seed: id, picture's digest, line for the intake,
--          sha256 of a picture from a disk, its bytes (both empty for a URL)
-- Returns  a text with a letter a seed: n new, k known, t the id is taken
--
-- Keys, all of which live until `scrapy pailitao clear`:
--   waiting      LIST    seeds not yet begun, a JSON line each; any producer may RPUSH one
--   seeds        HASH    seed id -> {s state, p picture's digest, and how it ended}
--   pictures     HASH    picture's digest -> seed id that is searched for it
--   ended        ZSET    seed id -> invisible until: final seeds whose ledger line is not written
--   counts       HASH    numbers of all kinds; here: picture_bytes and the states
--   wanted       HASH    sha256 -> seeds that may still need its bytes
--   pic:<sha256> STRING  a picture's bytes; gone when all its seeds have ended done or empty

local P = KEYS[1]
local again = ARGV[1] == '1'
local call = redis.call
local SEEDS, PICTURES, COUNTS = P .. 'seeds', P .. 'pictures', P .. 'counts'
local answers = {}

-- Of a record that cannot be read nothing is said: its name is taken.
local function record_of(id)
  local raw = id and call('HGET', SEEDS, id)
  if not raw then return nil end
  local is_whole, record = pcall(cmsgpack.unpack, raw)
  return is_whole and type(record) == 'table' and record or {}
end

local function has_ended_badly(record)
  return record and (record.s == 'partial' or record.s == 'failed')
end

local function answer(record, digest)
  if not record then return 'n' end
  if record.p ~= digest then return record.s == 'failed' and 'n' or 't' end
  return again and has_ended_badly(record) and 'n' or 'k'
end

local function drop_picture(id)
  local sha = call('HGET', P .. 'seed:' .. id, 'sha')
  if not sha or call('HINCRBY', P .. 'wanted', sha, -1) > 0 then return end
  call('HDEL', P .. 'wanted', sha)
  call('HINCRBY', COUNTS, 'picture_bytes', 0 - call('STRLEN', P .. 'pic:' .. sha))
  call('UNLINK', P .. 'pic:' .. sha)
end

local function uncount_short(record)
  if not record.l or not record.o or record.l <= record.o then return end
  call('HINCRBY', COUNTS, 'short', -1)
  call('HINCRBY', COUNTS, 'short_seen', 0 - record.o)
  call('HINCRBY', COUNTS, 'short_of', 0 - record.l)
end

-- Its old line need not be written any more.
local function begin_anew(id, record)
  call('HINCRBY', COUNTS, record.s, -1)
  uncount_short(record)
  call('ZREM', P .. 'ended', id)
end

local function keep_picture(sha, bytes)
  if call('SETNX', P .. 'pic:' .. sha, bytes) == 1 then
    call('HINCRBY', COUNTS, 'picture_bytes', #bytes)
  end
end

local function take_in(id, digest, line)
  -- Else it would end at once, as the twin of a seed that ended badly before.
  if again and has_ended_badly(record_of(call('HGET', PICTURES, digest))) then
    call('HSET', PICTURES, digest, id)
  end
  call('HSET', SEEDS, id, cmsgpack.pack({ s = 'waiting', p = digest }))
  call('RPUSH', P .. 'waiting', line)
end

for i = 2, #ARGV, 5 do
  local id, digest, line, sha, bytes = unpack(ARGV, i, i + 4)
  local record = record_of(id)
  local told = answer(record, digest)
  if told == 'n' then
    local is_mended = record and record.p ~= digest
    if is_mended then drop_picture(id) end
    if record then begin_anew(id, record) end
    if sha ~= '' then
      keep_picture(sha, bytes)
      if not record or is_mended then call('HINCRBY', P .. 'wanted', sha, 1) end
    end
    take_in(id, digest, line)
  end
  answers[#answers + 1] = told
end
return table.concat(answers)
