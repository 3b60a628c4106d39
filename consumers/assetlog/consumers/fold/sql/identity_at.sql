-- identity_at: the identity of the event at $p.
select coalesce(tid, hid) from log where pos = $p
