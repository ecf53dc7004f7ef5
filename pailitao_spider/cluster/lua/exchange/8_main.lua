-- The call.

local function forget_silent_workers()
  local all = call('HGETALL', P .. 'workers')
  for i = 1, #all, 2 do
    local at = tonumber(string.match(all[i + 1], '^[%d.]+'))
    if not at or math.abs(now - at) > 10 * m.lease_seconds then
      call('HDEL', P .. 'workers', all[i])
    end
  end
end

local lost = {}
for _, h in ipairs(m.holds) do
  if not renew(h) then lost[#lost + 1] = h.id end
end
for _, a in ipairs(m.acks) do guarded(id_of(a.seed, a.page), ack, a) end
for _, b in ipairs(m.given_back) do give_back(b) end
for _, b in ipairs(m.burials) do
  if is_owner(b.id, b.delivery) then bury(b.id, b.why) end
end
for _, seed in ipairs(m.written) do guarded('line:' .. seed, written, seed) end
for _, a in ipairs(m.admits) do guarded('intake:' .. a.seed, admit, a) end
for _, r in ipairs(m.refusals) do refuse(ARGV[r.line + 2], r.why, r.shown) end
reclaim()
local pages, alone = pages_out()
local is_quarantine_over = m.says == '' or call('ZCARD', SUSPECT) == 0
if is_quarantine_over and call('GET', P .. 'quarantine') == m.worker then
  call('DEL', P .. 'quarantine')
end
local lines = lines_out()
local fresh = intake()
if m.says == '' then
  call('HDEL', P .. 'workers', m.worker)
else
  call('HSET', P .. 'workers', m.worker, string.format('%.3f ', now) .. m.says)
end
if m.number % 64 == 1 then forget_silent_workers() end
local answer = {
  pages = pages, alone = alone, lines = lines, lost = lost, reclaimed = reclaimed, buried = buried,
  waiting = call('LLEN', WAITING), ready = call('ZCARD', READY), leased = call('ZCARD', LEASE),
  suspects = call('ZCARD', SUSPECT), unwritten = call('ZCARD', ENDED),
  workers = call('HLEN', P .. 'workers'), now = now, is_known = call('HLEN', SEEDS) > 0,
}
local reply = { cmsgpack.pack(answer) }
for i, line in ipairs(fresh) do reply[i + 1] = line end
return reply
