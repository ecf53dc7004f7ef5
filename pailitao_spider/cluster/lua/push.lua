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
--   counts       HASH    numbers of all kinds; here: picture_bytes
--   pic:<sha256> STRING  a picture's bytes; gone when its seed has ended done or empty

local P = KEYS[1]
local again = ARGV[1] == '1'
local call = redis.call
local answers = {}

local function has_ended_badly(record)
  return record.s == 'partial' or record.s == 'failed'
end

for i = 2, #ARGV, 5 do
  local id, digest, line, sha, bytes = unpack(ARGV, i, i + 4)
  local raw = call('HGET', P .. 'seeds', id)
  local record = raw and cmsgpack.unpack(raw)
  if record and record.p ~= digest and record.s ~= 'failed' then
    answers[#answers + 1] = 't'
  elseif record and record.p == digest and not (again and has_ended_badly(record)) then
    answers[#answers + 1] = 'k'
  else
    if record then call('HINCRBY', P .. 'counts', record.s, -1) end
    if sha ~= '' and call('SETNX', P .. 'pic:' .. sha, bytes) == 1 then
      call('HINCRBY', P .. 'counts', 'picture_bytes', #bytes)
    end
    call('HSET', P .. 'seeds', id, cmsgpack.pack({ s = 'waiting', p = digest }))
    call('RPUSH', P .. 'waiting', line)
    answers[#answers + 1] = 'n'
  end
end
return table.concat(answers)
