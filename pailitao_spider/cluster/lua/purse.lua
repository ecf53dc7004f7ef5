-- What all keys together have cost in a day.
--
-- KEYS[1]  {pailitao-app:purse}:spend:<Beijing day>, a hash: `millionths` of a yuan that were spent
--          or are set aside for calls under way; lives for three days after its last call.
-- ARGV     millionths to set aside, the millionths that the day allows, millionths to free again
-- Returns  1 when they were set aside, else 0
--
-- Run twice, as after a lost answer, it sets too much aside and lets nothing too much be spent.

local LIFE_SECONDS = 259200

local key, price, most, freed = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent = math.max(0, tonumber(redis.call('HGET', key, 'millionths') or 0) - freed)
local granted = spent + price <= most
if granted then spent = spent + price end
redis.call('HSET', key, 'millionths', string.format('%.0f', spent))
redis.call('EXPIRE', key, LIFE_SECONDS)
return granted and 1 or 0
