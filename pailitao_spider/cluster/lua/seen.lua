-- Which offers are safe in some worker's feed already. Writes nothing.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`
-- ARGV[1]  the questions, MessagePack: a list of {set, members}; `set` is `ids:<bucket>` or
--          `got:<seed>`, both of which the exchange fills at acknowledgement
-- Returns  a text of 0 and 1, one for each member in turn

local answers = {}
for _, question in ipairs(cmsgpack.unpack(ARGV[1])) do
  local key = KEYS[1] .. question[1]
  for _, member in ipairs(question[2]) do
    answers[#answers + 1] = redis.call('SISMEMBER', key, member)
  end
end
return table.concat(answers)
