-- mark: the newest look at the log.
select pos, entry, server from progress order by pos desc limit 1
