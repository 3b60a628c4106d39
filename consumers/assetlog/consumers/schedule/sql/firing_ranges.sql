-- firing_ranges: what an accepted trigger consumed.
select aid, part, after_pos, up_to, events from consumed where trigger = $trigger order by rowid
