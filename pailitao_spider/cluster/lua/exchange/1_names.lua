-- One call of a worker: what it has finished goes in, what it shall do next comes out.
--
-- Everything here may be sent twice, so a lost answer is harmless. Pages that came are facts and
-- always count; giving up, giving back and burying are fenced by the delivery number, so that a
-- worker that slept past its lease cannot undo a newer owner. The time is Redis' own.
--
-- KEYS[1]  the run's prefix `{pailitao:<run>}:`, of which every key below is made
-- ARGV[1]  the message, MessagePack; its members stand in cluster/worker/messages.py
-- ARGV[2]… raw lines of the intake that `admits` and `refusals` name by number
-- Returns  {the answer, MessagePack; then raw lines of the intake to be read}
--
-- Keys. `id` is "<seed id>/<page>". They live until `scrapy pailitao clear` unless told otherwise.
--   waiting        LIST    seeds not yet begun; see push.lua
--   seeds          HASH    seed id -> {s state, p picture's digest, and how it ended}
--   pictures       HASH    picture's digest -> seed id that is searched for it
--   wanted         HASH    sha256 -> seeds that may still need `pic:<sha256>`; gone with it
--   ready          ZSET    id -> place in the queue; further pages before first ones
--   lease          ZSET    id -> invisible until: in a worker's hands, or waiting for its retry
--   suspect        ZSET    id -> since when: pages whose worker vanished, handed out alone
--   deliveries     HASH    id -> times handed out; gone with the page
--   attempts       HASH    id -> failures so far; gone with the page
--   dead           HASH    id -> {why, n deliveries, at, w worker}, until replayed; a line that is
--                          no seed as intake:<sha1>, with its beginning as `raw`
--   ended          ZSET    seed id -> invisible until: final seeds whose ledger line is not written
--   counts         HASH    open, done, empty, partial, failed, repeated, hostile, seq, beat, grace,
--                          picture_bytes; short, short_seen, short_of: seeds of which less came
--                          than the gateway tells, and the offers of these
--   workers        HASH    worker -> when it was here last, and what it says of itself, JSON; gone
--                          when it ends, or after ten leases of silence
--   intake         STRING  the worker that reads `waiting` now, for 3 s
--   quarantine     STRING  the worker that empties its hands for the suspects, for a lease
--   last:<worker>  STRING  its last call and what it was given, for two leases
--   seed:<id>      HASH    a seed under way; gone once its line is written, unless partial or failed:
--                          payload, sha, and of its search size (rows of page 1), largest (of
--                          the `further` pages with rows), total, count (of pages), none_after and next_after (pages
--                          that said so), cursors (the last page that has one), end, planned (highest page asked for), base (highest that
--                          brought something new), open, fetched, rows, seen (distinct offers),
--                          unnamed (rows without an id), offers, calls, started, sweep and passes
--                          (of a further pass), gateway (that gave the first page); by page what
--                          3_paging.lua says, g<page> why it never will come; line the worker that
--                          has its ledger line
--   rows:<id>      HASH    offer -> lowest page it came on; gone when the seed is done or empty
--   got:<id>       SET     offers written for the seed (PAILITAO_DEDUP=seed); gone when it ends
--   twins:<id>     LIST    seeds with the same picture that wait for its end
--   ids:<bucket>   SET     offers that are safe in a feed, as integers; ids:x those that are none
--   pic:<sha256>   STRING  see push.lua

local P = KEYS[1]
local m = cmsgpack.unpack(ARGV[1])
local call = redis.call
local time = call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local PAGE_LIMIT = 1000
local FIRST_PAGES = 1e13   -- in `ready`, after all further pages
local MOST_BYTES = 2 ^ 20  -- of the intake in one answer
local OUTAGE, GRACE = 5, 6 -- seconds: nobody called for so long; holders may come first for so long

local READY, LEASE, SUSPECT = P .. 'ready', P .. 'lease', P .. 'suspect'
local DELIVERIES, ATTEMPTS, DEAD = P .. 'deliveries', P .. 'attempts', P .. 'dead'
local WAITING, SEEDS, PICTURES = P .. 'waiting', P .. 'seeds', P .. 'pictures'
local ENDED, COUNTS = P .. 'ended', P .. 'counts'

local reclaimed, buried = 0, {}

local function count(name, by) return call('HINCRBY', COUNTS, name, by) end
