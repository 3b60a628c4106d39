-- declarations: consumers as they were declared at these positions.
select pos, name, data from consumers where act = 'registered' and pos in (select unnest($positions::bigint[]))
