-- materializations: those between two positions.
select pos, aid, part from log where pos > $after and pos < $before and type = 'asset.materialized' order by pos
